import { PRICE_DECIMALS, type UnitPrice } from '../policy/price.js';
import type { ModelFacts } from '../policy/facts.js';
import type { CatalogueSnapshot } from './catalogue.js';
import type { Deployment } from './deployment.js';
import { documentedModel } from './documented-models.js';
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
  const { input, output } = catalogue.ceilingOf(name, within);
  const isPriced = price === 'priced' || price === 'free';
  const traits = deployments.map(traitsOf);
  const able = (ability: string) => traits.some((trait) => trait[`supports_${ability}`] === true);
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

/** Returns what is configured of a deployment, and else what the public table says. */
function traitsOf({ provider, upstreamName, traits }: Deployment): Readonly<Record<string, unknown>> {
  const { base_model: base } = traits;
  const documented = documentedModel(provider, typeof base === 'string' ? base : upstreamName);
  if (!documented) return traits;
  const { mode, abilities } = documented;
  return { mode, ...Object.fromEntries(abilities.map((ability) => [ability, true])), ...traits };
}

/** Fields of `model_info` that callers see, and their type. Operators may write anything into the others. */
const SHOWN: readonly (readonly [RegExp, string])[] = [
  [/^(?:mode|base_model)$/, 'string'],
  [/^supports_/, 'boolean'],
  [/cost|^(?:max_tokens|max_input_tokens|max_output_tokens|tpm|rpm)$/, 'number'],
];

/** Returns the deployments of a name as its callers may see them: without addresses and credentials. */
export function callerModelInfo(
  catalogue: CatalogueSnapshot,
  requestedName: string,
  { name, within }: ServedModel,
): ModelInfoEntry[] {
  return catalogue.resolve(name, within).map((deployment) => {
    const { id, provider, upstreamName, price, maxInputTokens = null, maxOutputTokens = null } = deployment;
    const shown = Object.entries(traitsOf(deployment)).filter(([field, value]) =>
      SHOWN.some(([fields, type]) => fields.test(field) && typeof value === type),
    );
    return {
      model_name: requestedName,
      litellm_params: { model: `${provider}/${upstreamName}` },
      model_info: {
        id,
        db_model: deployment.traits.db_model === true,
        key: upstreamName,
        litellm_provider: provider,
        max_input_tokens: maxInputTokens,
        max_output_tokens: maxOutputTokens,
        max_tokens: maxOutputTokens ?? maxInputTokens,
        ...(price && {
          input_cost_per_token: usdOf(price.input),
          output_cost_per_token: usdOf(price.output),
        }),
        ...Object.fromEntries(shown),
      },
    };
  });
}

/** Converts a price to the nearest number. */
const usdOf = (price: UnitPrice) => Number(`${price}e-${PRICE_DECIMALS}`);
