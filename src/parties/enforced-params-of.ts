import type { PartyRow } from './party-row.js';

/** The members that every call of a party must have: `enforced_params` as they are kept. */
export const enforcedParamsOf = ({ extra }: Pick<PartyRow, 'extra'>): readonly string[] =>
  ((extra?.enforced_params as readonly unknown[] | undefined) ?? []).map(String);
