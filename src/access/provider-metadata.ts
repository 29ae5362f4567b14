import type { CallType } from '../call-types/call-type.js';

/** Entries of a call's `metadata` that the gateway reads. */
const GATEWAY_METADATA: ReadonlySet<string> = new Set([
  'tags',
  'spend_logs_metadata',
  'fallbacks',
  'context_window_fallbacks',
  'content_policy_fallbacks',
  'guardrails',
]);

/**
 * Returns the part of a call's `metadata` that its API accepts, or null if that is nothing. Returns the `metadata` itself if
 * the API accepts all of it, or if it is no object, which only the provider can refuse in its own words.
 */
export function providerMetadata(
  accepted: CallType['metadata'],
  metadata: unknown,
  isStored: boolean,
): unknown {
  if (accepted === undefined || (accepted === 'texts if stored' && !isStored)) return null;
  if (metadata === null || typeof metadata !== 'object' || Array.isArray(metadata)) return metadata;
  const isAccepted =
    accepted === 'user_id'
      ? (name: string) => name === 'user_id'
      : (name: string, value: unknown) => typeof value === 'string' && !GATEWAY_METADATA.has(name);
  const entries = Object.entries(metadata);
  const selected = entries.filter(([name, value]) => isAccepted(name, value));
  if (selected.length === entries.length) return metadata;
  return selected.length ? Object.fromEntries(selected) : null;
}
