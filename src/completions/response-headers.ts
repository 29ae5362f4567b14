import { rateHeaders } from '../access/rate-headers.js';
import { ANY_ORIGIN_HEADERS } from '../http/cross-origin.js';
import { usdFromNanoUsd, usdText, type NanoUsd } from '../policy/money.js';
import { costParts, type ListPrice, type Price, type Usage } from '../policy/price.js';
import { costByTerms, numberOfShare } from '../policy/price-terms.js';
import type { Attempt } from './attempt.js';
import type { Call } from './call.js';
import type { UpstreamHeaders } from './upstream/upstreams.js';

/** Headers that describe one connection, or carry the provider's state, a credential or an address. They are never forwarded. */
const NOT_FORWARDED = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'content-type',
  'content-encoding',
  'set-cookie',
  'date',
  'location',
  'authorization',
  'x-api-key',
  'api-key',
]);

/** Headers of an upstream's error that tell the client when to retry. */
const RETRY_HEADERS = ['retry-after', 'retry-after-ms', 'x-should-retry'];

/** Header with the output limit that the gateway set for each answer. Errors carry it, too. */
export const CLAMPED_HEADER = 'x-tollgate-clamped';
/** Searches that the gateway allowed each tool for which the client names no limit. */
export const MAX_TOOL_CALLS_HEADER = 'x-tollgate-max-tool-calls';

/** Header with the names of LiteLLM's request headers that had no effect. */
export const IGNORED_HEADER = 'x-tollgate-ignored';

/** Header with the two APIs of a translated call. */
export const TRANSLATED_HEADER = 'x-tollgate-translated';

type ErrorHeaders = Record<string, string | string[]>;
type Headers = Record<string, string | number | string[]>;

/** Returns the headers that LiteLLM clients expect: ids, the key's spend, and the provider's own headers under a prefix. */
export function responseHeaders(attempt: Attempt, upstream: UpstreamHeaders, contentType: string): Headers {
  const { call, deployment, hold, output } = attempt;
  const headers: Headers = {
    'content-type': contentType,
    'x-request-id': call.requestId,
    'x-litellm-call-id': call.clientCallId ?? hold.id,
    'x-litellm-model-id': deployment.id,
    'x-litellm-model-group': headerText(call.modelGroup),
    'x-litellm-attempted-retries': call.retries,
    'x-litellm-attempted-fallbacks': call.fallbacks,
    'x-litellm-response-duration-ms': (performance.now() - call.startedAt).toFixed(3),
    'access-control-allow-origin': ANY_ORIGIN_HEADERS['access-control-allow-origin'],
    'access-control-expose-headers': ANY_ORIGIN_HEADERS['access-control-expose-headers'],
  };
  if (call.llm.kind.hasRequestIdHeader) headers['request-id'] = call.requestId;
  if (call.access.rates?.length) Object.assign(headers, rateHeaders(call.lease.facts()));
  else addProviderRates(headers, upstream);
  const { callHeaders } = call.llm;
  if (callHeaders?.ignored) headers[IGNORED_HEADER] = callHeaders.ignored.join(', ');
  if (callHeaders?.numRetries !== undefined) headers['x-litellm-max-retries'] = call.maxRetries;
  if (output.clampedTo !== undefined) headers[CLAMPED_HEADER] = String(output.clampedTo);
  if (output.searches !== undefined) headers[MAX_TOOL_CALLS_HEADER] = String(output.searches);
  if (attempt.translation !== undefined) headers[TRANSLATED_HEADER] = attempt.translation;
  addKeyHeaders(headers, call);
  addProviderHeaders(headers, upstream);
  return headers;
}

/** Returns the headers of an upstream's error: the ids of the attempt, when to retry, and the provider's own headers. */
export function errorHeaders(attempt: Attempt, upstream: UpstreamHeaders = {}): ErrorHeaders {
  const { call, deployment, hold, billedNanoUsd } = attempt;
  const headers: ErrorHeaders = {
    'x-litellm-call-id': call.clientCallId ?? hold.id,
    'x-litellm-model-id': deployment.id,
    'x-litellm-model-group': headerText(call.modelGroup),
    'x-litellm-attempted-retries': String(call.retries),
    'x-litellm-attempted-fallbacks': String(call.fallbacks),
    ...costHeader(billedNanoUsd),
  };
  if (attempt.translation !== undefined) headers[TRANSLATED_HEADER] = attempt.translation;
  addKeyHeaders(headers, call);
  for (const name of RETRY_HEADERS) {
    const value = upstream[name];
    if (typeof value === 'string') headers[name] = value;
  }
  addProviderHeaders(headers, upstream);
  return headers;
}

/** Adds the provider's own headers under LiteLLM's prefix. */
function addProviderHeaders(headers: Headers | ErrorHeaders, upstream: UpstreamHeaders): void {
  for (const name in upstream) {
    const value = upstream[name];
    if (value !== undefined && !NOT_FORWARDED.has(name)) headers[`llm_provider-${name}`] = value;
  }
}

/** Adds the key's spend and budget. The spend includes this call if it is settled already; a stream is not. */
function addKeyHeaders(headers: Headers | ErrorHeaders, { access: { billingContext } }: Call): void {
  const { account, budget } = billingContext!.key;
  if (account) headers['x-litellm-key-spend'] = usdText((budget?.account ?? account).spentNanoUsd);
  if (budget) headers['x-litellm-key-max-budget'] = String(usdFromNanoUsd(budget.limitNanoUsd));
}

/** Returns the header with the cost of a settled call. */
export const costHeader = (cost: NanoUsd) => ({ 'x-litellm-response-cost': usdText(cost) });

/** Returns the headers with the cost of a settled call and its parts. Parts that cost nothing are left out, but input and output. */
export function costPartHeaders(cost: NanoUsd, usage: Usage, price: Price | undefined): Headers {
  const whole = usdText(cost);
  const headers: Headers = { 'x-litellm-response-cost': whole, 'x-litellm-response-cost-original': whole };
  if (price?.list) return addTermHeaders(headers, cost, usage, price.list);
  return addPartHeaders(headers, cost, usage, price);
}

/** Adds how discount and margin made the cost. The parts are those of the list price. */
function addTermHeaders(headers: Headers, cost: NanoUsd, usage: Usage, list: ListPrice): Headers {
  const { listNanoUsd, discountNanoUsd, marginNanoUsd } = costByTerms(cost, usage, list);
  headers['x-litellm-response-cost-original'] = usdText(listNanoUsd);
  headers['x-litellm-response-cost-discount-amount'] = usdText(discountNanoUsd);
  headers['x-litellm-response-cost-margin-amount'] = usdText(marginNanoUsd);
  headers['x-litellm-response-cost-margin-percent'] = String(numberOfShare(list.terms.margin));
  return addPartHeaders(headers, listNanoUsd, usage, list.price);
}

function addPartHeaders(headers: Headers, cost: NanoUsd, usage: Usage, price: Price | undefined): Headers {
  if (!cost || !price) {
    headers['x-litellm-response-cost-input'] = '0';
    headers['x-litellm-response-cost-output'] = '0';
    return headers;
  }
  const { input, output, cacheRead, cacheWrite, reasoning, tools } = costParts(cost, usage, price);
  headers['x-litellm-response-cost-input'] = usdText(input);
  headers['x-litellm-response-cost-output'] = usdText(output);
  if (cacheRead) headers['x-litellm-response-cost-cache-read'] = usdText(cacheRead);
  if (cacheWrite) headers['x-litellm-response-cost-cache-creation'] = usdText(cacheWrite);
  if (reasoning) headers['x-litellm-response-cost-reasoning'] = usdText(reasoning);
  if (tools) headers['x-litellm-response-cost-tool-usage'] = usdText(tools);
  return headers;
}

const PRINTABLE = /^[\x20-\x7e]*$/;

/** Returns a name as a header may have it. Other characters than ASCII's are escaped. */
const headerText = (name: string) => (PRINTABLE.test(name) ? name : encodeURIComponent(name));

/** Names of the provider's limits at OpenAI, and at Anthropic, whose ends of limits are instants. */
const PROVIDER_RATES: readonly (readonly string[])[] = ['requests', 'tokens'].flatMap((unit) => [
  [`x-ratelimit-limit-${unit}`, `anthropic-ratelimit-${unit}-limit`],
  [`x-ratelimit-remaining-${unit}`, `anthropic-ratelimit-${unit}-remaining`],
  [`x-ratelimit-reset-${unit}`],
]);

/** Adds the provider's own limits under the names that OpenAI's clients read, for a caller without limits here. */
function addProviderRates(headers: Headers, upstream: UpstreamHeaders): void {
  for (const names of PROVIDER_RATES) {
    const name = names.find((known) => typeof upstream[known] === 'string');
    if (name !== undefined) headers[names[0]!] = upstream[name]!;
  }
}

/** Returns the header with the time that the gateway itself took. */
export const overheadHeader = (overheadMs: number) => ({
  'x-litellm-overhead-duration-ms': overheadMs.toFixed(3),
});
