import { PRICE_DECIMALS, type UnitPrice } from '../policy/price.js';
import type { CatalogueSnapshot } from './catalogue.js';
import type { ModelGroupInfo } from './models.dto.js';

/** Returns the properties of a public name. Returns an empty list if no deployment serves it. */
export function publicModelInfo(catalogue: CatalogueSnapshot, requestedName: string): ModelGroupInfo[] {
  const { name, price } = catalogue.modelFacts(requestedName, { teamAliases: {}, keyAliases: {} });
  const deployments = catalogue.resolve(name);
  if (!deployments.length) return [];
  const { maxInputTokens = null } = catalogue.limits(name);
  const longest = deployments.flatMap(({ maxOutputTokens = [] }) => maxOutputTokens);
  const { input, output } = catalogue.ceilingOf(name);
  const isPriced = price === 'priced' || price === 'free';
  const traits = deployments.map((deployment) => deployment.traits);
  const able = (ability: string) => traits.some((trait) => trait[`supports_${ability}`] === true);
  const sum = (trait: 'tpm' | 'rpm') => {
    const figures = traits.flatMap(({ [trait]: figure }) => (typeof figure === 'number' ? [figure] : []));
    return figures.length ? figures.reduce((a, b) => a + b) : null;
  };
  return [
    {
      model_group: requestedName,
      providers: [...new Set(deployments.map(({ provider }) => provider))],
      max_input_tokens: maxInputTokens,
      max_output_tokens: longest.length ? Math.max(...longest) : null,
      input_cost_per_token: isPriced ? usdOf(input) : null,
      output_cost_per_token: isPriced ? usdOf(output) : null,
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

/** Converts a price to the nearest number. */
const usdOf = (price: UnitPrice) => Number(`${price}e-${PRICE_DECIMALS}`);
