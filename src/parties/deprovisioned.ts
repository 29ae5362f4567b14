import type { PartyRow } from './party-row.js';

/** An identity provider switched this user off: LiteLLM's SCIM writes that into the user's `metadata`. */
export const isDeprovisioned = ({ metadata }: Pick<PartyRow, 'metadata'>): boolean =>
  metadata?.scim_active === false;
