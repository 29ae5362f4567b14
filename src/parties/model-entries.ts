import type { PartyRow } from './party-row.js';

/**
 * Returns the entries of a party's list of models: its `models` and its access groups (`access_group_ids`). Null or
 * `[]` is unrestricted. A list of groups alone allows exactly their members.
 */
export function modelEntries({ models, extra }: Pick<PartyRow, 'models' | 'extra'>): string[] | null {
  const groupIds = accessGroupIds({ extra });
  return groupIds.length ? [...(models ?? []), ...groupIds] : models;
}

/** Returns the stored `access_group_ids`. */
export const accessGroupIds = ({ extra }: Pick<PartyRow, 'extra'>): string[] =>
  ((extra?.access_group_ids as unknown[] | undefined) ?? []).map(String);

/** Takes an access group from a party. A party that only this group restricted may call no model afterwards. */
export function takeAccessGroup(row: Pick<PartyRow, 'models' | 'extra'>, groupId: string): void {
  const remaining = accessGroupIds(row).filter((id) => id !== groupId);
  row.extra = { ...row.extra, access_group_ids: remaining };
  if (!modelEntries(row)?.length) row.models = [NO_MODELS];
}

/** Entry that replaces the last entry of a list, so that the list does not become unrestricted. */
export const NO_MODELS = 'no-default-models';
