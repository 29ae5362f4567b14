import { rateHeaders } from '../access/rate-headers.js';
import { usdFromNanoUsd, usdText, type NanoUsd } from '../policy/money.js';
import type { Attempt, Call } from './call.js';
import type { UpstreamHeaders } from './upstream/upstreams.js';

/** Headers that describe one connection or carry somebody else's state; never passed on. */
const NOT_PASSED = new Set([
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
]);

/** How many tokens each answer was cut to; on errors, too. */
export const CLAMPED_HEADER = 'x-tollgate-clamped';

type Headers = Record<string, string | string[]>;

/** What LiteLLM clients expect beside an answer: ids, cost and the provider's own headers under a prefix. */
export function responseHeaders(attempt: Attempt, upstream: UpstreamHeaders, contentType: string): Headers {
  const { call, deployment, hold, output } = attempt;
  const headers: Headers = {
    'content-type': contentType,
    'x-request-id': call.requestId,
    'x-litellm-call-id': hold.id,
    'x-litellm-model-id': deployment.id,
  };
  if (call.access.rates?.length) Object.assign(headers, rateHeaders(call.lease.facts()));
  if (output.clampedTo !== undefined) headers[CLAMPED_HEADER] = String(output.clampedTo);
  addKeyHeaders(headers, call);
  for (const name in upstream) {
    const value = upstream[name];
    if (value !== undefined && !NOT_PASSED.has(name)) headers[`llm_provider-${name}`] = value;
  }
  return headers;
}

/** How the key stands now: after the call where it is settled, before it where it still streams. */
function addKeyHeaders(headers: Headers, { access: { billingContext } }: Call): void {
  const { account, budget } = billingContext!.key;
  if (account) headers['x-litellm-key-spend'] = usdText((budget?.account ?? account).spentNanoUsd);
  if (budget) headers['x-litellm-key-max-budget'] = String(usdFromNanoUsd(budget.limitNanoUsd));
}

/** What a settled answer adds. */
export const costHeader = (cost: NanoUsd) => ({ 'x-litellm-response-cost': usdText(cost) });

/** How long the gate itself took. */
export const overheadHeader = (overheadMs: number) => ({
  'x-litellm-overhead-duration-ms': overheadMs.toFixed(3),
});
