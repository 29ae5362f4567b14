import type { CallAccess } from '../access/call-access.js';
import { mergedLabels } from '../access/spend-logs-metadata.js';
import type { CallOrigin } from '../ledger/call-origin.js';

/** Returns the origin that a call names, with the labels that its key and its team give every call. */
export function originOf({ llm, caller }: Pick<CallAccess, 'llm' | 'caller'>): CallOrigin | undefined {
  const origin = llm?.origin;
  const inherited = caller?.spendLogsMetadata;
  if (!inherited) return origin;
  const spendLogsMetadata = mergedLabels(origin?.spendLogsMetadata, inherited);
  return { ...origin, ...(spendLogsMetadata && { spendLogsMetadata }) };
}
