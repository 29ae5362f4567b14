import type { Fee } from '../policy/bound.js';
import type { Deployment } from './deployment.js';

/** Models of OpenAI and Perplexity that search the web in every call, for a number of fees that is not known beforehand. */
const ALWAYS_SEARCHES =
  /(?:^|\/)(?:gpt-4o(?:-mini)?-search-preview|gpt-5-search-api|sonar-deep-research|sonar-pro-search)(?:-|$|:)/i;
/** Groq's models that run built-in tools. */
const RUNS_TOOLS = /(?:^|\/)compound(?:-|$)/i;
/** OpenRouter's suffix that makes any model search the web. */
const ONLINE = /:online(?=:|$)/i;
/** OpenRouter's prefix of presets. The account's owner chooses the model of a preset. */
const PRESET = /@preset\//i;
/** Names for which an aggregator chooses the model. */
const ROUTER = /(?:^|\/)(?:auto(?:-beta|-instant)?|(?:[^/:]*[-_])?router(?:[-_][^/:]*)?)(?::[^/]*)?$/i;
/** Further such names of OpenRouter. */
const OPENROUTER_ROUTERS = /^openrouter\/(?:free|fusion|bodybuilder|pareto)/i;

type PricedModel = Pick<Deployment, 'provider' | 'upstreamName' | 'price'>;

/** Returns the fee that every call of a deployment costs beside tokens. Undefined if a price per request is set. */
export function feeOfModel({ provider, upstreamName, price }: PricedModel): Fee | undefined {
  const runs =
    ALWAYS_SEARCHES.test(upstreamName) ||
    (provider === 'openrouter' && ONLINE.test(upstreamName)) ||
    (provider === 'groq' && RUNS_TOOLS.test(upstreamName));
  return runs && !price?.request ? BUILT_IN_SEARCH : undefined;
}

const BUILT_IN_SEARCH: Fee = { what: 'a model that searches the web by itself', param: 'model' };

/** Returns whether a name stands for a model that the provider chooses, so that it cannot be checked. */
export const hidesModel = ({ provider, upstreamName }: Omit<PricedModel, 'price'>): boolean =>
  ROUTER.test(upstreamName) ||
  (provider === 'openrouter' && (PRESET.test(upstreamName) || OPENROUTER_ROUTERS.test(upstreamName)));

/** Providers that run no more web searches than `max_tool_calls`, or the tool's `max_uses`, allow. */
const CAPS_SEARCHES = new Set(['openai', 'azure', 'anthropic']);

/** Returns whether a provider searches the web once in every call, for a fee. */
export const searchesEveryCall = (provider: string): boolean => provider === 'perplexity';

export const capsWebSearches = (provider: string): boolean => CAPS_SEARCHES.has(provider);
