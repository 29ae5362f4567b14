import type { Fee } from '../policy/bound.js';
import type { Deployment } from './deployment.js';

/** OpenAI's and Azure's models that search the web in every call, for a fee. */
const ALWAYS_SEARCHES = /(?:^|\/)(?:gpt-4o(?:-mini)?-search-preview|gpt-5-search-api)(?:-|$|:)/;
/** Groq's models that run tools of their own. */
const RUNS_TOOLS = /(?:^|\/)compound(?:-|$)/;
/** OpenRouter's way to have any model search. */
const ONLINE = /:online$/;
/** OpenRouter's way to call whatever model its owner wrote down under a name. */
const PRESET = /@preset\//;

type Named = Pick<Deployment, 'provider' | 'upstreamName' | 'price'>;

/** What every call through a deployment costs beside its tokens, where nobody set a price for the call itself. */
export function feeOfModel({ provider, upstreamName, price }: Named): Fee | undefined {
  const runs =
    ALWAYS_SEARCHES.test(upstreamName) ||
    (provider === 'openrouter' && ONLINE.test(upstreamName)) ||
    (provider === 'groq' && RUNS_TOOLS.test(upstreamName));
  return runs && !price?.request ? ITS_OWN_SEARCH : undefined;
}

const ITS_OWN_SEARCH: Fee = { what: 'a model that searches the web by itself', param: 'model' };

/** Does this name, chosen by a client, stand for a model that cannot be checked? */
export const hidesItsModel = ({ provider, upstreamName }: Omit<Named, 'price'>): boolean =>
  provider === 'openrouter' && PRESET.test(upstreamName);
