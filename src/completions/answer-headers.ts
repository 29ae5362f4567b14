import { rateHeaders } from '../access/rate-headers.js';
import { usdFromNanoUsd, usdText, type NanoUsd } from '../policy/money.js';
import type { Attempt, Call } from './call.js';
import type { UpstreamHeaders } from './upstreams.js';

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

/** What LiteLLM clients expect beside an answer: ids, cost and the provider's own headers under a prefix. */
export function answerHeaders(
  attempt: Attempt,
  upstream: UpstreamHeaders,
  contentType: string,
): Record<string, string | string[]> {
  const { call, deployment, hold, output } = attempt;
  const headers: Record<string, string | string[]> = {
    'content-type': contentType,
    'x-request-id': call.requestId,
    'x-litellm-call-id': hold.id,
    'x-litellm-model-id': deployment.id,
    ...(call.access.rates?.length && rateHeaders(call.slots.facts())),
    ...(output.clampedTo !== undefined && { 'x-tollgate-clamped': String(output.clampedTo) }),
    ...keyHeaders(call),
  };
  for (const [name, value] of Object.entries(upstream)) {
    if (value !== undefined && !NOT_PASSED.has(name)) headers[`llm_provider-${name}`] = value;
  }
  return headers;
}

/** How the key stands now: after the call where it is settled, before it where it still streams. */
function keyHeaders({ access: { standing } }: Call): Record<string, string> {
  const key = standing?.parties.find(({ kind }) => kind === 'key');
  const budget = key?.budgets[0];
  const account = standing?.chain.accounts.find(({ spec }) => spec.scopeKind === 'key');
  return {
    ...(account && {
      'x-litellm-key-spend': usdText(budget?.account.spentNanoUsd ?? account.spentNanoUsd),
    }),
    ...(budget && { 'x-litellm-key-max-budget': String(usdFromNanoUsd(budget.limitNanoUsd)) }),
  };
}

/** What a settled answer adds. */
export const costHeader = (cost: NanoUsd) => ({ 'x-litellm-response-cost': usdText(cost) });

/** How long the gate itself took. */
export const overheadHeader = (overheadMs: number) => ({
  'x-litellm-overhead-duration-ms': overheadMs.toFixed(3),
});
