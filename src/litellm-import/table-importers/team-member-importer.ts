import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { withTier } from '../../parties/with-tier.js';
import { cacheKey } from '../../cache/change-epochs.js';
import { PartySpend } from '../../parties/party-spend.js';
import { teamMemberDefaults } from '../../teams/team-member-defaults.js';
import { TeamMembersService } from '../../teams/team-members.service.js';
import { MemberDto } from '../../teams/teams.dto.js';
import { bodyOf } from '../admin-body.js';
import type { LitellmRow } from '../litellm-database.js';
import { IMPORTER } from '../restore-row.js';
import { RowRestorer } from '../row-restorer.js';
import type { SkippedRows } from '../skipped-rows.js';
import type { ImportContext, TableImporter } from './table-importer.js';
import { MemberRepository } from '../../parties/repositories/member.repository.js';
import { TeamRepository } from '../../parties/repositories/team.repository.js';

@Injectable()
export class TeamMemberImporter implements TableImporter {
  readonly table = 'LiteLLM_TeamMembership';

  constructor(
    private readonly members: TeamMembersService,
    private readonly restorer: RowRestorer,
    private readonly spend: PartySpend,
    private readonly rows: MemberRepository,
    private readonly teams: TeamRepository,
  ) {}

  query(): string {
    return MEMBERS;
  }

  idOf({ team_id, user_id, user_email }: LitellmRow): string {
    return `${team_id as string}/${(user_id ?? user_email) as string}`;
  }

  async import(tx: EntityManager, row: LitellmRow, { warnings, skipped }: ImportContext) {
    skipped.requireUser(row);
    const teamId = row.team_id as string;
    const { user_id, user_email, role, budget_id } = row;
    const dto = await bodyOf(MemberDto, { role, ...(user_id ? { user_id } : { user_email }) }, warnings);
    if (user_id && (await this.rows.in(tx).existsBy({ teamId, userId: user_id as string }))) return 'exists';
    const member = await this.members.joinAs(tx, teamId, dto, IMPORTER);
    if (!member) return 'exists';
    const { userId } = member;
    const team = await this.teams.findOrFail(tx, teamId);
    const tier = await this.restorer.tierOf(tx, budget_id as string | undefined);
    member.budgetId = tier?.budgetId ?? null;
    member.models = tier?.allowedModels?.length ? tier.allowedModels : null;
    await this.rows.in(tx).save(member);
    const limits = withTier(member, tier ?? teamMemberDefaults(team));
    const opening = this.restorer.openingOf(limits, member, row, warnings);
    await this.spend.open(tx, this.rows.spender(member), opening);
    return [cacheKey.team(teamId), cacheKey.membership(teamId, userId), cacheKey.user(userId)];
  }

  noteSkipped(row: LitellmRow, skipped: SkippedRows): void {
    skipped.addMember(row);
  }
}

/** Query for the members of teams. LiteLLM stores memberships in five places, and the spend of a member in one of them. */
const MEMBERS = `SELECT r.*, coalesce(m.spend, 0) AS spend, m.budget_id FROM (
    SELECT team_id, user_id, max(user_email) AS user_email, CASE WHEN bool_or(is_admin) THEN 'admin' ELSE 'user' END AS role
    FROM (
      SELECT team_id, one->>'user_id' AS user_id, one->>'user_email' AS user_email, coalesce(one->>'role' = 'admin', false) AS is_admin
      FROM "LiteLLM_TeamTable",
        jsonb_array_elements(CASE jsonb_typeof(members_with_roles) WHEN 'array' THEN members_with_roles ELSE '[]' END) AS one
      UNION ALL SELECT team_id, unnest(admins), NULL, true FROM "LiteLLM_TeamTable"
      UNION ALL SELECT team_id, unnest(members), NULL, false FROM "LiteLLM_TeamTable"
      UNION ALL SELECT unnest(teams), user_id, NULL, false FROM "LiteLLM_UserTable"
      UNION ALL SELECT team_id, user_id, NULL, false FROM "LiteLLM_TeamMembership"
    ) named GROUP BY team_id, user_id, CASE WHEN user_id IS NULL THEN user_email END
  ) r LEFT JOIN "LiteLLM_TeamMembership" m ON m.team_id = r.team_id AND m.user_id = r.user_id
  ORDER BY r.team_id, r.user_id, r.user_email`;
