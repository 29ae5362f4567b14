import type { PartyRow } from './party-row.js';

/**
 * Tells whether an identity provider has switched the user off. LiteLLM's SCIM writes that to the user's `metadata`.
 */
export const isDeprovisioned = ({ metadata }: Pick<PartyRow, 'metadata'>): boolean =>
  metadata?.scim_active === false;
