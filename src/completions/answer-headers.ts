import { rateHeaders } from '../access/rate-headers.js';
import { usdFromNanoUsd, usdText, type NanoUsd } from '../policy/money.js';
import type { Attempt } from './call.js';
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
  };
  for (const [name, value] of Object.entries(upstream)) {
    if (value !== undefined && !NOT_PASSED.has(name)) headers[`llm_provider-${name}`] = value;
  }
  return headers;
}

/** What a settled answer adds: its cost, and how the key stands after it. */
export function costHeaders({ call }: Attempt, cost: NanoUsd, upstreamMs: number): Record<string, string> {
  const key = call.access.standing?.parties.find(({ kind }) => kind === 'key');
  const keyBudget = key?.budgets[0];
  const keyAccount = call.access.standing?.chain.accounts.find(({ spec }) => spec.scopeKind === 'key');
  return {
    'x-litellm-response-cost': usdText(cost),
    ...(keyAccount && {
      'x-litellm-key-spend': usdText(keyBudget?.account.spentNanoUsd ?? keyAccount.spentNanoUsd),
    }),
    ...(keyBudget && { 'x-litellm-key-max-budget': String(usdFromNanoUsd(keyBudget.limitNanoUsd)) }),
    'x-litellm-overhead-duration-ms': (performance.now() - call.startedAt - upstreamMs).toFixed(3),
  };
}
