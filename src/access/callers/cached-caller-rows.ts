import { Injectable } from '@nestjs/common';
import { BudgetsService } from '../../budgets/budgets.service.js';
import { KeysService } from '../../keys/keys.service.js';
import { OrganizationsService } from '../../organizations/organizations.service.js';
import { TeamMembersService } from '../../teams/team-members.service.js';
import { TeamsService } from '../../teams/teams.service.js';
import { UsersService } from '../../users/users.service.js';
import type { CallerRows } from './caller-rows.js';

/** Reads the rows behind a caller through the row caches of their services. */
@Injectable()
export class CachedCallerRows implements CallerRows {
  constructor(
    private readonly keys: KeysService,
    private readonly users: UsersService,
    private readonly teams: TeamsService,
    private readonly teamMembers: TeamMembersService,
    private readonly organizations: OrganizationsService,
    private readonly budgets: BudgetsService,
  ) {}

  readonly key: CallerRows['key'] = (hash) => this.keys.getByHash(hash);
  readonly user: CallerRows['user'] = (id) => this.users.get(id);
  readonly team: CallerRows['team'] = (id) => this.teams.get(id);
  readonly member: CallerRows['member'] = (teamId, userId) => this.teamMembers.get(teamId, userId);
  readonly organization: CallerRows['organization'] = (id) => this.organizations.get(id);
  readonly tier: CallerRows['tier'] = (id) => this.budgets.get(id);
}
