import type { EndUser } from './entities/end-user.entity.js';
import type { Organization } from './entities/organization.entity.js';
import type { Tag } from './entities/tag.entity.js';
import type { Member } from './entities/team-member.entity.js';
import type { Team } from './entities/team.entity.js';
import type { User } from './entities/user.entity.js';
import type { VirtualKey } from './entities/virtual-key.entity.js';
import type { PartyRow } from './party-row.js';

/** The most parties of one kind that an error names. */
export const MAX_HOLDERS_NAMED = 5;

/** A party that names a tier, as an admin knows it. */
interface TierHolder {
  readonly id: string;
  readonly alias: string | null;
  /** The request that takes the tier from it. */
  readonly release: string;
}

/** The parties of one kind that name a tier. */
export interface TierHolders {
  readonly kind: string;
  readonly count: number;
  /** The oldest of them. */
  readonly first: readonly TierHolder[];
}

/** Describes the parties of a table. */
export function tierHolders(tableName: string, count: number, rows: readonly PartyRow[]): TierHolders {
  const [kind, described] = KINDS[tableName] ?? [tableName, unknown];
  return { kind, count, first: rows.map((row) => described(row as never)) };
}

/** Returns the sentence that tells who names a tier, and how each of them lets go. */
export const holdersText = (holders: readonly TierHolders[]): string =>
  holders
    .map(({ kind, count, first }) => {
      const parties = first.map(({ id, alias }) => (alias === null ? id : `${alias} (${id})`)).join(', ');
      const more = count > first.length ? ` and ${count - first.length} more` : '';
      return `the ${kind}${count === 1 ? '' : 's'} ${parties}${more}, e.g. ${first[0]!.release}`;
    })
    .join('; ');

const request = (route: string, body: object) => `${route} ${JSON.stringify(body)}`;
const cleared = (route: string, party: object) => request(route, { ...party, budget_id: null });

type Describe<T> = (row: T) => TierHolder;

const key: Describe<VirtualKey> = ({ secretHash, keyAlias }) => ({
  id: secretHash,
  alias: keyAlias,
  release: cleared('POST /key/update', keyAlias === null ? { key: secretHash } : { key_alias: keyAlias }),
});
const user: Describe<User> = ({ userId, userAlias, userEmail }) => ({
  id: userId,
  alias: userAlias ?? userEmail,
  release: cleared('POST /user/update', { user_id: userId }),
});
const team: Describe<Team> = ({ teamId, teamAlias }) => ({
  id: teamId,
  alias: teamAlias,
  release: cleared('POST /team/update', { team_id: teamId }),
});
/** Describes a member. Only an import gives one a tier. It has the tier for as long as it is a member. */
const member: Describe<Member> = ({ teamId, userId }) => ({
  id: `${userId} of team ${teamId}`,
  alias: null,
  release: `${request('POST /team/member_delete', { team_id: teamId, user_id: userId })}, and add it again`,
});
const organization: Describe<Organization> = ({ organizationId, organizationAlias }) => ({
  id: organizationId,
  alias: organizationAlias,
  release: cleared('PATCH /organization/update', { organization_id: organizationId }),
});
const endUser: Describe<EndUser> = ({ userId, alias }) => ({
  id: userId,
  alias,
  release: cleared('POST /customer/update', { user_id: userId }),
});
const tag: Describe<Tag> = ({ name }) => ({
  id: name,
  alias: null,
  release: cleared('POST /tag/update', { name }),
});
const unknown: Describe<PartyRow> = ({ id }) => ({
  id,
  alias: null,
  release: 'an update with budget_id null',
});

const KINDS: Readonly<Record<string, readonly [kind: string, describe: Describe<never>]>> = {
  virtual_keys: ['key', key],
  users: ['user', user],
  teams: ['team', team],
  members: ['team member', member],
  organizations: ['organization', organization],
  end_users: ['customer', endUser],
  tags: ['tag', tag],
};
