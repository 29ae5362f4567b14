import type { PartyRow } from './party-row.js';

/** Returns the stored `enforced_params`: the body members that every call of the party must have. */
export const enforcedParamsOf = ({ extra }: Pick<PartyRow, 'extra'>): readonly string[] =>
  ((extra?.enforced_params as readonly unknown[] | undefined) ?? []).map(String);
