import { type CostDiscounts, type CostMargins, readDiscounts, readMargins } from '../config/cost-terms.js';
import type { LitellmSettings } from '../config/config.js';
import { matchesGlob } from '../policy/glob.js';
import { nanoUsdFromUsd, ZERO_NANO_USD } from '../policy/money.js';
import type { PriceTerms } from '../policy/price.js';
import { shareOf } from '../policy/price-terms.js';
import type { Deployment } from './deployment.js';
import type { StoredSetting } from './stored-setting.entity.js';

/** Discounts and margins in force. */
export interface CostTerms {
  readonly discounts: CostDiscounts;
  readonly margins: CostMargins;
}

/** LiteLLM's names of the two settings. */
export type CostSettingName = 'cost_discount_config' | 'cost_margin_config';

/** Returns the terms in force: a stored setting replaces that of the configuration file. */
export function costTermsOf(
  { costDiscounts, costMargins }: Pick<LitellmSettings, 'costDiscounts' | 'costMargins'>,
  stored: readonly Pick<StoredSetting, 'name' | 'value'>[],
): CostTerms {
  const valueOf = (name: CostSettingName) => stored.find((row) => row.name === name)?.value;
  const [discounts, margins] = [valueOf('cost_discount_config'), valueOf('cost_margin_config')];
  // They were valid when they were stored.
  const ignore = () => undefined;
  return {
    discounts: discounts ? readDiscounts(discounts, ignore) : costDiscounts,
    margins: margins ? readMargins(margins, ignore) : costMargins,
  };
}

type Model = Pick<Deployment, 'provider' | 'upstreamName' | 'traits'>;

/** Returns the terms of a deployment. Undefined if it has neither a discount nor a margin. */
export type TermsOfDeployment = (deployment: Model) => PriceTerms | undefined;

/** Returns the look-up of terms. Undefined if there are no terms at all. */
export function termsOfDeployment({ discounts, margins }: CostTerms): TermsOfDeployment | undefined {
  if (!Object.keys(discounts).length && !Object.keys(margins).length) return undefined;
  const discountOf = discountLookUp(discounts);
  return (deployment) => {
    const discount = discountOf(deployment) ?? 0;
    const { percentage, fixedUsd } = marginOf(margins, deployment.provider);
    if (!discount && !percentage && !fixedUsd) return undefined;
    return {
      discount: shareOf(discount) ?? 0n,
      margin: shareOf(percentage) ?? 0n,
      fixedNanoUsd: nanoUsdFromUsd(fixedUsd) ?? ZERO_NANO_USD,
    };
  };
}

/** Returns the discount of a model by its exact name, else by the pattern with the most literal characters, else by its provider. */
function discountLookUp(discounts: CostDiscounts): (model: Model) => number | undefined {
  const patterns = Object.keys(discounts)
    .filter((name) => name.includes('/') && name.includes('*'))
    .toSorted((a, b) => literalChars(b) - literalChars(a));
  return (model) => {
    const names = namesOf(model);
    const exact = names.find((name) => Object.hasOwn(discounts, name));
    const found =
      exact ?? patterns.find((pattern) => names.some((name) => matchesGlob(pattern, name))) ?? model.provider;
    return Object.hasOwn(discounts, found) ? discounts[found] : undefined;
  };
}

const literalChars = (pattern: string) => pattern.replaceAll('*', '').length;

/** Returns the names of a deployment's model with its provider: as it is called, and its base model. */
function namesOf({ provider, upstreamName, traits: { base_model: base } }: Model): string[] {
  const names = typeof base === 'string' ? [upstreamName, base] : [upstreamName];
  return names.map((name) => (name.startsWith(`${provider}/`) ? name : `${provider}/${name}`));
}

function marginOf(margins: CostMargins, provider: string): { percentage: number; fixedUsd: number } {
  const margin = Object.hasOwn(margins, provider) ? margins[provider] : margins.global;
  if (typeof margin === 'number') return { percentage: margin, fixedUsd: 0 };
  return { percentage: margin?.percentage ?? 0, fixedUsd: margin?.fixed_amount ?? 0 };
}
