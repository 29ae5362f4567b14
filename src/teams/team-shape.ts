import { cacheKey } from '../cache/changes.js';
import type { PartyShape } from '../parties/party-table.js';
import { Member } from './member.entity.js';
import { Team } from './team.entity.js';

/** How teams are stored: for themselves and for their members. */
export const teamShape: PartyShape<Team> = {
  entity: Team,
  kind: 'team',
  where: (teamId) => ({ teamId }),
  idOf: ({ teamId }) => teamId,
  cacheKey: cacheKey.team,
  title: 'Team',
  param: 'team_id',
};

/** How memberships are stored; their id is `pairOf` team and user. */
export const memberShape: PartyShape<Member> = {
  entity: Member,
  kind: 'member',
  where: (pair) => membershipOf(pair),
  idOf: ({ teamId, userId }) => pairOf(teamId, userId),
  cacheKey: (pair) => cacheKey.membership(membershipOf(pair).teamId, membershipOf(pair).userId),
  title: 'Team member',
  param: 'user_id',
};

export const pairOf = (teamId: string, userId: string) => JSON.stringify([teamId, userId]);

function membershipOf(pair: string): { teamId: string; userId: string } {
  const [teamId, userId] = JSON.parse(pair) as [string, string];
  return { teamId, userId };
}
