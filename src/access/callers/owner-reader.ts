import { type CacheKey, cacheKey } from '../../cache/change-epochs.js';
import type { Config } from '../../config/config.js';
import type { Owners } from '../../jwt/identity-resolver.js';
import type { Limits } from '../../parties/limits-row.js';
import { teamMemberDefaults } from '../../teams/team-member-defaults.js';
import type { Team } from '../../parties/entities/team.entity.js';
import type { User } from '../../parties/entities/user.entity.js';
import type { PartyConfig } from './caller.js';
import type { CallerRows } from './caller-rows.js';
import { missingParty, partyConfigOf } from './party-config.js';

/** The parties that own a credential, and those of their rows that say more than limits. */
export interface OwnerParties {
  readonly parties: readonly PartyConfig[];
  readonly user: Readonly<User> | null;
  readonly team: Readonly<Team> | null;
  readonly organizationId: string | null;
}

/** Reads member, team, user and organization. Adds the cache key of each row read to `cacheKeys`. */
export async function readOwners(
  owners: Owners,
  cacheKeys: CacheKey[],
  rows: CallerRows,
  { general }: Pick<Config, 'general'>,
): Promise<OwnerParties> {
  const tier = (budgetId: string | null) => readTier(budgetId, cacheKeys, rows);
  const hasTeam = owners.teamId !== null;
  const parties: PartyConfig[] = [];

  const team = owners.teamId === null ? null : await rows.team(owners.teamId);
  if (owners.teamId !== null) {
    cacheKeys.push(cacheKey.team(owners.teamId));
    const member = owners.userId === null ? null : await rows.member(owners.teamId, owners.userId);
    if (owners.userId !== null) cacheKeys.push(cacheKey.membership(owners.teamId, owners.userId));
    if (member) {
      const defaults = (await tier(member.budgetId)) ?? (team && teamMemberDefaults(team));
      parties.push(partyConfigOf('member', member.userId, member, defaults, true));
    }
    parties.push(
      team
        ? partyConfigOf('team', team.teamId, team, await tier(team.budgetId), true)
        : missingParty('team', owners.teamId),
    );
  }

  let user: Readonly<User> | null = null;
  if (owners.userId !== null) {
    cacheKeys.push(cacheKey.user(owners.userId));
    user = await rows.user(owners.userId);
    const spec = user
      ? partyConfigOf('user', user.userId, user, await tier(user.budgetId), hasTeam)
      : missingParty('user', owners.userId);
    parties.push(hasTeam ? besideTeam(spec, general) : spec);
  }

  const organizationId = team?.organizationId ?? owners.organizationId;
  if (organizationId !== null) {
    cacheKeys.push(cacheKey.organization(organizationId));
    const organization = await rows.organization(organizationId);
    parties.push(
      organization
        ? partyConfigOf(
            'organization',
            organizationId,
            organization,
            await tier(organization.budgetId),
            hasTeam,
          )
        : missingParty('organization', organizationId),
    );
  }

  return { parties, user, team, organizationId };
}

/** Reads a tier. Adds its cache key to `cacheKeys`. */
export async function readTier(
  budgetId: string | null,
  cacheKeys: CacheKey[],
  rows: CallerRows,
): Promise<Readonly<Limits> | null> {
  if (budgetId === null) return null;
  cacheKeys.push(cacheKey.budget(budgetId));
  return rows.tier(budgetId);
}

/** Returns a user on a team's call, without the limits that the configuration lifts there. */
function besideTeam(
  user: PartyConfig,
  { skipUserBudgetOnTeamKey: budgetsLifted, userModelsOnTeamKeys }: Config['general'],
): PartyConfig {
  if (!budgetsLifted && userModelsOnTeamKeys) return user;
  return { ...user, budgetsLifted, ...(!userModelsOnTeamKeys && { models: 'any' as const }) };
}
