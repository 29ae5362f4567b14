import { MAX_CALL_NANO_USD, type Usage } from '../policy/price.js';
import { nearestNanoUsd } from '../policy/money.js';

/** Providers that document what a call cost in its usage. The cost in the usage of another one is ignored. */
export type BillingProvider = 'openrouter' | 'perplexity' | 'xai';

type Bill = Pick<Usage, 'billNanoUsd' | 'billedBy'>;

/** Ticks of xAI in a nano-dollar. */
const TICKS_PER_NANO_USD = 10;

/** Returns the provider's own bill of a call. Its form tells the provider. */
export function providerBill(usage: Readonly<Record<string, unknown>>): Bill | undefined {
  const { cost, cost_in_usd_ticks: ticks } = usage;
  if (typeof ticks === 'number') return billOf('xai', Math.round(ticks / TICKS_PER_NANO_USD));
  if (typeof cost === 'number') return billOf('openrouter', nanoUsdOf(cost + costOfOwnKey(usage)));
  if (cost === null || typeof cost !== 'object') return undefined;
  const { total_cost: total } = cost as { readonly total_cost?: unknown };
  return typeof total === 'number' ? billOf('perplexity', nanoUsdOf(total)) : undefined;
}

/** Returns what a call with the customer's own key costs at the provider behind OpenRouter. */
function costOfOwnKey({ is_byok, cost_details }: Readonly<Record<string, unknown>>): number {
  if (is_byok !== true || cost_details === null || typeof cost_details !== 'object') return 0;
  const { upstream_inference_cost: usd } = cost_details as { readonly upstream_inference_cost?: unknown };
  return typeof usd === 'number' && usd > 0 ? usd : 0;
}

function nanoUsdOf(usd: number): number {
  const nanoUsd = usd >= 0 ? nearestNanoUsd(usd) : undefined;
  return nanoUsd === undefined ? Number.NaN : Number(nanoUsd);
}

const MAX_BILL_NANO_USD = Number(MAX_CALL_NANO_USD);

const billOf = (billedBy: BillingProvider, billNanoUsd: number): Bill | undefined =>
  billNanoUsd >= 0 && billNanoUsd <= MAX_BILL_NANO_USD ? { billNanoUsd, billedBy } : undefined;
