import { rateHeaders } from '../access/rate-headers.js';
import { ANY_ORIGIN_HEADERS } from '../http/cross-origin.js';
import { usdFromNanoUsd, usdText, type NanoUsd } from '../policy/money.js';
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

type Headers = Record<string, string | string[]>;

/** Returns the headers that LiteLLM clients expect: ids, the key's spend, and the provider's own headers under a prefix. */
export function responseHeaders(attempt: Attempt, upstream: UpstreamHeaders, contentType: string): Headers {
  const { call, deployment, hold, output } = attempt;
  const headers: Headers = {
    'content-type': contentType,
    'x-request-id': call.requestId,
    'x-litellm-call-id': hold.id,
    'x-litellm-model-id': deployment.id,
    'access-control-allow-origin': ANY_ORIGIN_HEADERS['access-control-allow-origin'],
    'access-control-expose-headers': ANY_ORIGIN_HEADERS['access-control-expose-headers'],
  };
  if (call.llm.kind.hasRequestIdHeader) headers['request-id'] = call.requestId;
  if (call.access.rates?.length) Object.assign(headers, rateHeaders(call.lease.facts()));
  if (output.clampedTo !== undefined) headers[CLAMPED_HEADER] = String(output.clampedTo);
  addKeyHeaders(headers, call);
  addProviderHeaders(headers, upstream);
  return headers;
}

/** Returns the headers of an upstream's error: the ids of the attempt, when to retry, and the provider's own headers. */
export function errorHeaders({ hold, deployment }: Attempt, upstream: UpstreamHeaders = {}): Headers {
  const headers: Headers = { 'x-litellm-call-id': hold.id, 'x-litellm-model-id': deployment.id };
  for (const name of RETRY_HEADERS) {
    const value = upstream[name];
    if (typeof value === 'string') headers[name] = value;
  }
  addProviderHeaders(headers, upstream);
  return headers;
}

/** Adds the provider's own headers under LiteLLM's prefix. */
function addProviderHeaders(headers: Headers, upstream: UpstreamHeaders): void {
  for (const name in upstream) {
    const value = upstream[name];
    if (value !== undefined && !NOT_FORWARDED.has(name)) headers[`llm_provider-${name}`] = value;
  }
}

/** Adds the key's spend and budget. The spend includes this call if it is settled already; a stream is not. */
function addKeyHeaders(headers: Headers, { access: { billingContext } }: Call): void {
  const { account, budget } = billingContext!.key;
  if (account) headers['x-litellm-key-spend'] = usdText((budget?.account ?? account).spentNanoUsd);
  if (budget) headers['x-litellm-key-max-budget'] = String(usdFromNanoUsd(budget.limitNanoUsd));
}

/** Returns the header with the cost of a settled call. */
export const costHeader = (cost: NanoUsd) => ({ 'x-litellm-response-cost': usdText(cost) });

/** Returns the header with the time that the gateway itself took. */
export const overheadHeader = (overheadMs: number) => ({
  'x-litellm-overhead-duration-ms': overheadMs.toFixed(3),
});
