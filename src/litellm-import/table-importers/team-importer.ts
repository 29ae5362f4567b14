import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Budget } from '../../parties/entities/budget.entity.js';
import { cacheKey } from '../../cache/change-epochs.js';
import { toUsd } from '../../parties/usd.js';
import type { TeamMemberDefaults } from '../../teams/team-member-defaults.js';
import { NewTeamDto } from '../../teams/teams.dto.js';
import { TeamsService } from '../../teams/teams.service.js';
import { bodyOf, mappingIn } from '../admin-body.js';
import type { LitellmRow } from '../litellm-database.js';
import { IMPORTER } from '../restore-row.js';
import { RowRestorer } from '../row-restorer.js';
import { SkippedRowError } from '../skipped-row.error.js';
import type { ImportContext, TableImporter } from './table-importer.js';
import { TeamRepository } from '../../parties/repositories/team.repository.js';

@Injectable()
export class TeamImporter implements TableImporter {
  readonly table = 'LiteLLM_TeamTable';
  readonly hasPermissions = true;

  constructor(
    private readonly teams: TeamsService,
    private readonly restorer: RowRestorer,
    private readonly rows: TeamRepository,
  ) {}

  query(): string {
    return `SELECT t.*, a.aliases AS model_aliases
      FROM "LiteLLM_TeamTable" t LEFT JOIN "LiteLLM_ModelTable" a ON a.id = t.model_id ORDER BY t.team_id`;
  }

  idOf({ team_id }: LitellmRow): string {
    return team_id as string;
  }

  async import(tx: EntityManager, row: LitellmRow, { warnings }: ImportContext) {
    const teamId = row.team_id as string;
    if (await this.rows.in(tx).existsBy({ teamId })) return 'exists';
    const { team_member_budget_id: memberTierId, ...metadata } = mappingIn('metadata', row.metadata ?? {});
    if (memberTierId && typeof memberTierId !== 'string')
      throw new SkippedRowError('metadata.team_member_budget_id: is no text');
    const memberTier = await this.restorer.tierOf(tx, memberTierId as string | undefined);
    const dto = await bodyOf(NewTeamDto, { ...row, metadata, ...memberDefaults(memberTier) }, warnings);
    const team = await this.teams.make(tx, teamId, dto, IMPORTER);
    if (memberTier?.budgetDuration) {
      const window: TeamMemberDefaults = {
        team_member_budget_anchor: memberTier.budgetAnchor!.getTime(),
        team_member_budget_since: memberTier.budgetSince!.getTime(),
      };
      team.extra = { ...team.extra, ...window };
    }
    await this.restorer.restoreParty(tx, this.rows, team, row, warnings);
    return [cacheKey.team(teamId)];
  }
}

/** Returns the limits that a team sets for its members. LiteLLM stores them in a separate budget. */
const memberDefaults = (tier: Budget | null) =>
  tier && {
    team_member_budget: toUsd(tier.maxBudgetNanoUsd),
    team_member_budget_duration: tier.budgetDuration,
    team_member_rpm_limit: tier.rpmLimit,
    team_member_tpm_limit: tier.tpmLimit,
  };
