import { type Price, PRICE_DECIMALS, type PriceTerms, type UnitPrice } from '../policy/price.js';
import type { ModelFacts } from '../policy/facts.js';
import { usdFromNanoUsd, ZERO_NANO_USD } from '../policy/money.js';
import { numberOfShare } from '../policy/price-terms.js';
import type { CatalogueSnapshot } from './catalogue.js';
import { type Deployment, modelOf } from './deployment.js';
import { pricesOf } from './deployment-prices.js';
import { type DocumentedModel, documentedTraits } from './documented-models.js';
import type { ModelGroupInfo, ModelInfoEntry } from './models.dto.js';

/** The facts that say which deployments serve a name. */
type ServedModel = Pick<ModelFacts, 'name' | 'price' | 'within'>;

/** Returns the properties of a public name. Returns an empty list if no deployment serves it. */
export function publicModelInfo(
  catalogue: CatalogueSnapshot,
  requestedName: string,
  { name, price, within }: ServedModel = catalogue.modelFacts(requestedName, NO_ALIASES),
): ModelGroupInfo[] {
  const deployments = catalogue.resolve(name, within);
  if (!deployments.length) return [];
  const listed = deployments.flatMap((deployment) => listPrice(deployment) ?? []);
  const isPriced = price === 'priced' || price === 'free';
  const models = deployments.map((deployment) => documentedTraits(modelOf(deployment)));
  const traits = deployments.map((deployment, i) => traitsOf(deployment, models[i]));
  const able = (ability: string) => abilityOf(traits, models, `supports_${ability}`);
  const sum = (trait: 'tpm' | 'rpm') => {
    const figures = traits.flatMap(({ [trait]: figure }) => (typeof figure === 'number' ? [figure] : []));
    return figures.length ? figures.reduce((a, b) => a + b) : null;
  };
  return [
    {
      model_group: requestedName,
      providers: [...new Set(deployments.map(({ provider }) => provider))],
      max_input_tokens: largest(deployments.map(({ maxInputTokens }) => maxInputTokens)),
      max_output_tokens: largest(deployments.map(({ maxOutputTokens }) => maxOutputTokens)),
      input_cost_per_token: isPriced ? usdOfPrice(listed.map(({ input }) => input).reduce(most)) : null,
      output_cost_per_token: isPriced ? usdOfPrice(listed.map(({ output }) => output).reduce(most)) : null,
      mode: (traits.find(({ mode }) => typeof mode === 'string')?.mode as string | undefined) ?? null,
      tpm: sum('tpm'),
      rpm: sum('rpm'),
      supports_function_calling: able('function_calling'),
      supports_parallel_function_calling: able('parallel_function_calling'),
      supports_reasoning: able('reasoning'),
      supports_url_context: able('url_context'),
      supports_vision: able('vision'),
      supports_web_search: able('web_search'),
    },
  ];
}

/** Returns the same with what only administrators see: the sources of the prices, discount and margin. */
export function adminModelGroup(catalogue: CatalogueSnapshot, requestedName: string): ModelGroupInfo[] {
  const { name, within } = catalogue.modelFacts(requestedName, NO_ALIASES);
  const deployments = catalogue.resolve(name, within);
  const { termsOf } = catalogue;
  const terms = termsOf && deployments.map((deployment) => termsOf(deployment) ?? NO_TERMS);
  if (!deployments.length) return [];
  const sources = GROUP_PRICES.flatMap(([member, field]) => {
    const source = pricesOf(dearest(deployments, field)).sources[member];
    return source ? [[member, source] as const] : [];
  });
  return publicModelInfo(catalogue, requestedName).map((info) => ({
    ...info,
    ...(terms?.some((one) => one !== NO_TERMS) &&
      termsView({
        discount: terms.map(({ discount }) => discount).reduce(least),
        margin: terms.map(({ margin }) => margin).reduce(most),
        fixedNanoUsd: terms.map(({ fixedNanoUsd }) => fixedNanoUsd).reduce(most),
      })),
    ...(sources.length && { price_sources: Object.fromEntries(sources) }),
  }));
}

const GROUP_PRICES = [
  ['input_cost_per_token', 'input'],
  ['output_cost_per_token', 'output'],
] as const;

const NO_TERMS: PriceTerms = { discount: 0n, margin: 0n, fixedNanoUsd: ZERO_NANO_USD };
const least = (a: bigint, b: bigint) => (a < b ? a : b);
const most = <T extends bigint>(a: T, b: T) => (a > b ? a : b);

const dearest = (deployments: readonly Deployment[], field: 'input' | 'output') =>
  deployments.reduce((one, other) =>
    (listPrice(other)?.[field] ?? -1n) > (listPrice(one)?.[field] ?? -1n) ? other : one,
  );

/** Returns the price before discount and margin. */
const listPrice = ({ price }: Deployment): Price | undefined => price?.list?.price ?? price;

const NO_ALIASES = { teamAliases: {}, keyAliases: {} };

/** Returns the largest size that a deployment is known to have. */
function largest(sizes: readonly (number | undefined)[]): number | null {
  const known = sizes.filter((size) => size !== undefined);
  return known.length ? Math.max(...known) : null;
}

/** Returns the name that `model_info.display_name` gives a model for people; undefined if no deployment has one. */
export function displayName(
  catalogue: CatalogueSnapshot,
  { name, within }: Omit<ServedModel, 'price'>,
): string | undefined {
  return catalogue
    .resolve(name, within)
    .map(({ traits }) => traits.display_name)
    .find((shown) => typeof shown === 'string' && shown !== '') as string | undefined;
}

/**
 * Tells whether a deployment has an ability. Null if none is known to have it, and one neither says so nor is in a table of
 * abilities.
 */
function abilityOf(
  traits: readonly Readonly<Record<string, unknown>>[],
  models: readonly (DocumentedModel | undefined)[],
  ability: string,
): boolean | null {
  const known = traits.map(({ [ability]: able }, i) =>
    typeof able === 'boolean' ? able : models[i] && false,
  );
  if (known.includes(true)) return true;
  return known.includes(undefined) ? null : false;
}

/** Returns what is configured of a deployment, and else what the sources say. */
const traitsOf = (
  deployment: Deployment,
  model = documentedTraits(modelOf(deployment)),
): Readonly<Record<string, unknown>> => ({ ...knownTraits(model), ...deployment.traits });

/** Returns what the sources say of a model: its mode and its abilities. */
const knownTraits = (model: DocumentedModel | undefined): Readonly<Record<string, unknown>> =>
  model ? { mode: model.mode, ...Object.fromEntries(model.abilities.map((ability) => [ability, true])) } : {};

/** Fields of `model_info` that callers see, and their type. Operators may write anything into the others. */
const SHOWN: readonly (readonly [RegExp, string])[] = [
  [/^(?:mode|base_model)$/, 'string'],
  [/^supports_/, 'boolean'],
  [/^(?:max_tokens|max_input_tokens|max_output_tokens|tpm|rpm)$/, 'number'],
];

/** Returns the deployments of a name as its callers may see them: without addresses and credentials. */
export function callerModelInfo(
  catalogue: CatalogueSnapshot,
  requestedName: string,
  { name, within }: ServedModel,
): ModelInfoEntry[] {
  return catalogue.resolve(name, within).map((deployment) => {
    const { id, provider, upstreamName } = deployment;
    const shown = Object.entries(traitsOf(deployment)).filter(([field, value]) =>
      SHOWN.some(([fields, type]) => fields.test(field) && typeof value === type),
    );
    return {
      model_name: requestedName,
      litellm_params: { model: `${provider}/${upstreamName}` },
      model_info: {
        id,
        db_model: deployment.traits.db_model === true,
        ...figuresOf(deployment),
        ...Object.fromEntries(shown),
        ...pricesOf(deployment).members,
      },
    };
  });
}

/** Returns provider and sizes of a deployment, in LiteLLM's members. */
function figuresOf(deployment: Deployment) {
  const { provider, upstreamName, maxInputTokens = null, maxOutputTokens = null } = deployment;
  return {
    key: upstreamName,
    litellm_provider: provider,
    max_input_tokens: maxInputTokens,
    max_output_tokens: maxOutputTokens,
    max_tokens: maxOutputTokens ?? maxInputTokens,
  };
}

/**
 * Adds to a deployment as configured what admins see of it beside: sizes, abilities, list prices with their sources, discount
 * and margin.
 */
export function withFigures(entry: ModelInfoEntry, catalogue: CatalogueSnapshot): ModelInfoEntry {
  const deployment = catalogue.deployment(String(entry.model_info.id));
  if (!deployment) return entry;
  const terms = catalogue.termsOf?.(deployment);
  const { members, sources } = pricesOf(deployment);
  return {
    ...entry,
    model_info: {
      ...(deployment.upstreamName.includes('*')
        ? {}
        : { ...knownTraits(documentedTraits(modelOf(deployment))), ...figuresOf(deployment) }),
      ...(terms && termsView(terms)),
      ...entry.model_info,
      // The prices that count, also where litellm_params has another than model_info.
      ...members,
      ...(Object.keys(sources).length && { price_sources: sources }),
    },
  };
}

/** Returns discount and margin, as administrators see them. */
const termsView = ({ discount, margin, fixedNanoUsd }: PriceTerms) => ({
  cost_discount: numberOfShare(discount),
  cost_margin: { percentage: numberOfShare(margin), fixed_amount: usdFromNanoUsd(fixedNanoUsd) },
});

/** Converts a price to the nearest number. */
export const usdOfPrice = (price: UnitPrice) => Number(`${price}e-${PRICE_DECIMALS}`);
