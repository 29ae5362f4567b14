import type { PartyRow } from './party-row.js';

/**
 * Everything a party's list of models names: its `models`, and the access groups it was given (`access_group_ids`). Null or
 * `[]` is unrestricted; groups alone are exactly their members.
 */
export function modelEntries({ models, extra }: Pick<PartyRow, 'models' | 'extra'>): string[] | null {
  const groupIds = accessGroupIds({ extra });
  return groupIds.length ? [...(models ?? []), ...groupIds] : models;
}

/** `access_group_ids` as they are kept. */
export const accessGroupIds = ({ extra }: Pick<PartyRow, 'extra'>): string[] =>
  ((extra?.access_group_ids as unknown[] | undefined) ?? []).map(String);

/** Takes an access group from a party. What was limited by it alone is not open afterwards: nothing is left to it. */
export function takeAccessGroup(row: Pick<PartyRow, 'models' | 'extra'>, groupId: string): void {
  const left = accessGroupIds(row).filter((id) => id !== groupId);
  row.extra = { ...row.extra, access_group_ids: left };
  if (!modelEntries(row)?.length) row.models = [NO_MODELS];
}

/** What a list is left with when an administrator takes its last entry. */
export const NO_MODELS = 'no-default-models';
