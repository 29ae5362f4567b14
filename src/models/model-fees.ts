import type { Fee } from '../policy/bound.js';
import type { Deployment } from './deployment.js';

/** Models of OpenAI's and Perplexity's that search the web in every call, for fees of which nobody tells the number before. */
const ALWAYS_SEARCHES =
  /(?:^|\/)(?:gpt-4o(?:-mini)?-search-preview|gpt-5-search-api|sonar-deep-research|sonar-pro-search)(?:-|$|:)/i;
/** Groq's models that run tools of their own. */
const RUNS_TOOLS = /(?:^|\/)compound(?:-|$)/i;
/** OpenRouter's way to have any model search. */
const ONLINE = /:online(?=:|$)/i;
/** OpenRouter's way to call whatever model its owner wrote down under a name. */
const PRESET = /@preset\//i;
/** Names by which an aggregator calls whatever model it thinks best. */
const ROUTER = /(?:^|\/)(?:auto(?:-beta|-instant)?|(?:[^/:]*[-_])?router(?:[-_][^/:]*)?)(?::[^/]*)?$/i;
/** OpenRouter's own, beside those. */
const OPENROUTER_ROUTERS = /^openrouter\/(?:free|fusion|bodybuilder|pareto)/i;

type PricedModel = Pick<Deployment, 'provider' | 'upstreamName' | 'price'>;

/** What every call through a deployment costs beside its tokens, where nobody set a price for the call itself. */
export function feeOfModel({ provider, upstreamName, price }: PricedModel): Fee | undefined {
  const runs =
    ALWAYS_SEARCHES.test(upstreamName) ||
    (provider === 'openrouter' && ONLINE.test(upstreamName)) ||
    (provider === 'groq' && RUNS_TOOLS.test(upstreamName));
  return runs && !price?.request ? BUILT_IN_SEARCH : undefined;
}

const BUILT_IN_SEARCH: Fee = { what: 'a model that searches the web by itself', param: 'model' };

/** Does this name, chosen by a client, stand for a model that cannot be checked? */
export const hidesModel = ({ provider, upstreamName }: Omit<PricedModel, 'price'>): boolean =>
  ROUTER.test(upstreamName) ||
  (provider === 'openrouter' && (PRESET.test(upstreamName) || OPENROUTER_ROUTERS.test(upstreamName)));

/** Providers that run no more web searches than `max_tool_calls`, or the tool's `max_uses`, allow. */
const CAPS_SEARCHES = new Set(['openai', 'azure', 'anthropic']);

export const capsWebSearches = (provider: string): boolean => CAPS_SEARCHES.has(provider);
