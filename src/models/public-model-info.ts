import { type Price, PRICE_DECIMALS, type UnitPrice } from '../policy/price.js';
import type { ModelFacts } from '../policy/facts.js';
import { usdFromNanoUsd } from '../policy/money.js';
import { numberOfShare } from '../policy/price-terms.js';
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
  const listed = deployments.flatMap((deployment) => listPrice(deployment) ?? []);
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
      input_cost_per_token: isPriced ? usdOfPrice(highest(listed.map(({ input }) => input))) : null,
      output_cost_per_token: isPriced ? usdOfPrice(highest(listed.map(({ output }) => output))) : null,
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

const highest = (prices: readonly UnitPrice[]) => prices.reduce((most, one) => (one > most ? one : most));

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

/** Returns what is configured of a deployment, and else what the public table says. */
const traitsOf = (deployment: Deployment): Readonly<Record<string, unknown>> => ({
  ...documentedTraits(deployment),
  ...deployment.traits,
});

/** Returns what the public table says of a deployment: its mode and its abilities. */
function documentedTraits({ provider, upstreamName, traits: { base_model: base } }: Deployment) {
  const documented = documentedModel(provider, typeof base === 'string' ? base : upstreamName);
  if (!documented) return {};
  const { mode, abilities } = documented;
  return { mode, ...Object.fromEntries(abilities.map((ability) => [ability, true])) };
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
      },
    };
  });
}

/** Returns provider, sizes and list prices of a deployment, in LiteLLM's members. */
function figuresOf(deployment: Deployment): Record<string, unknown> {
  const { provider, upstreamName, maxInputTokens = null, maxOutputTokens = null } = deployment;
  const price = listPrice(deployment);
  return {
    key: upstreamName,
    litellm_provider: provider,
    max_input_tokens: maxInputTokens,
    max_output_tokens: maxOutputTokens,
    max_tokens: maxOutputTokens ?? maxInputTokens,
    ...Object.fromEntries(
      SHOWN_PRICES.flatMap(([member, field]) => {
        const unit = price?.[field];
        return unit === undefined ? [] : [[member, usdOfPrice(unit)]];
      }),
    ),
  };
}

const SHOWN_PRICES = [
  ['input_cost_per_token', 'input'],
  ['output_cost_per_token', 'output'],
  ['cache_read_input_token_cost', 'cachedInput'],
  ['cache_creation_input_token_cost', 'cacheWrite'],
  ['cache_creation_input_token_cost_above_1hr', 'cacheWrite1h'],
  ['output_cost_per_reasoning_token', 'reasoning'],
] as const;

/** Adds to a deployment as configured what admins see of it beside: sizes, prices, abilities, discount and margin. */
export function withFigures(entry: ModelInfoEntry, catalogue: CatalogueSnapshot): ModelInfoEntry {
  const deployment = catalogue.deployment(String(entry.model_info.id));
  if (!deployment) return entry;
  const terms = catalogue.termsOf?.(deployment);
  return {
    ...entry,
    model_info: {
      ...(deployment.upstreamName.includes('*')
        ? {}
        : { ...documentedTraits(deployment), ...figuresOf(deployment) }),
      ...(terms && {
        cost_discount: numberOfShare(terms.discount),
        cost_margin: {
          percentage: numberOfShare(terms.margin),
          fixed_amount: usdFromNanoUsd(terms.fixedNanoUsd),
        },
      }),
      ...entry.model_info,
    },
  };
}

/** Converts a price to the nearest number. */
export const usdOfPrice = (price: UnitPrice) => Number(`${price}e-${PRICE_DECIMALS}`);
