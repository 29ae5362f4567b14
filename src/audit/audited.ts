import type { EntityTarget, ObjectLiteral } from 'typeorm';
import { CalledNameCount } from '../parties/called-name-count.entity.js';
import { AccessGroup } from '../access-groups/access-group.entity.js';
import { Alert } from '../alerts/alert.entity.js';
import { Budget } from '../budgets/budget.entity.js';
import { budgetView } from '../budgets/budgets.service.js';
import { Revision } from '../cache/revision.entity.js';
import { DatabaseLease } from '../database/database-lease.entity.js';
import { EndUser } from '../end-users/end-user.entity.js';
import { endUserView } from '../end-users/end-user.view.js';
import { keyView } from '../keys/key.view.js';
import { VirtualKey } from '../keys/virtual-key.entity.js';
import { Model } from '../models/model.entity.js';
import { modelRow } from '../models/models.service.js';
import { OrganizationMember } from '../orgs/organization-member.entity.js';
import { organizationMemberView } from '../orgs/organization-member.view.js';
import { Organization } from '../orgs/organization.entity.js';
import { organizationView } from '../orgs/organization.view.js';
import { limitsView } from '../parties/limits.view.js';
import { AccountDelta } from '../spend/account-delta.entity.js';
import { Account } from '../spend/account.entity.js';
import { InstallationRow } from '../installation/installation.entity.js';
import { Chain, Posting } from '../spend/chain.entity.js';
import { LedgerDay } from '../spend/ledger-day.entity.js';
import { LedgerEntry } from '../spend/ledger-entry.entity.js';
import { Replica } from '../spend/postgres/replica.entity.js';
import { ActivityDay, ActivityProgress } from '../spend/reports/activity-day.entity.js';
import { KeptDay } from '../spend/reports/kept-day.entity.js';
import { Tag } from '../tags/tag.entity.js';
import { tagView } from '../tags/tag.view.js';
import { Member } from '../teams/member.entity.js';
import { Team } from '../teams/team.entity.js';
import { teamView } from '../teams/team.view.js';
import { User } from '../users/user.entity.js';
import { userView } from '../users/user.view.js';
import { AuditEntry } from './audit-entry.entity.js';

/** How the rows of one entity stand in the audit log. */
interface Audited<T> {
  /** LiteLLM's name of the table. */
  readonly table: string;
  readonly idOf: (row: T) => string;
  /** What an administrator may see of a row: nothing else is kept. */
  readonly view: (row: T) => object;
}

const audited = <T extends ObjectLiteral>(entity: new () => T, how: Audited<T>) =>
  [entity, how as unknown as Audited<ObjectLiteral>] as const;

/** What the audit log is about. An entity that is neither here nor in `NOT_AUDITED` does not start. */
export const AUDITED: ReadonlyMap<EntityTarget<ObjectLiteral>, Audited<ObjectLiteral>> = new Map<
  EntityTarget<ObjectLiteral>,
  Audited<ObjectLiteral>
>([
  audited(VirtualKey, {
    table: 'LiteLLM_VerificationToken',
    idOf: ({ secretHash }) => secretHash,
    view: keyView,
  }),
  audited(User, {
    table: 'LiteLLM_UserTable',
    idOf: ({ userId }) => userId,
    view: (row) => userView(row, []),
  }),
  audited(Team, {
    table: 'LiteLLM_TeamTable',
    idOf: ({ teamId }) => teamId,
    view: (row) => teamView(row, []),
  }),
  audited(Member, {
    table: 'LiteLLM_TeamMembership',
    idOf: ({ teamId, userId }) => `${teamId}/${userId}`,
    view: ({ teamId: team_id, userId: user_id, role, models, ...row }) => ({
      team_id,
      user_id,
      role,
      allowed_models: models ?? [],
      budget_id: row.budgetId,
      ...limitsView(row),
    }),
  }),
  audited(Organization, {
    table: 'LiteLLM_OrganizationTable',
    idOf: ({ organizationId }) => organizationId,
    view: (row) => organizationView(row, row, [], []),
  }),
  audited(OrganizationMember, {
    table: 'LiteLLM_OrganizationMembership',
    idOf: ({ organizationId, userId }) => `${organizationId}/${userId}`,
    view: organizationMemberView,
  }),
  audited(EndUser, {
    table: 'LiteLLM_EndUserTable',
    idOf: ({ userId }) => userId,
    view: endUserView,
  }),
  audited(Tag, { table: 'LiteLLM_TagTable', idOf: ({ name }) => name, view: (row) => tagView(row, row) }),
  audited(Budget, {
    table: 'LiteLLM_BudgetTable',
    idOf: ({ budgetId }) => budgetId,
    view: budgetView,
  }),
  audited(AccessGroup, {
    table: 'LiteLLM_AccessGroupTable',
    idOf: ({ id }) => id,
    view: (row) => ({
      access_group_id: row.id,
      access_group_name: row.name,
      description: row.description,
      access_model_names: row.models,
      model_ids: row.deploymentIds,
      access_mcp_server_ids: row.mcpServerIds,
      access_agent_ids: row.agentIds,
      assigned_team_ids: row.teamIds,
      assigned_key_ids: row.keyIds,
    }),
  }),
  audited(Model, {
    table: 'LiteLLM_ProxyModelTable',
    idOf: ({ modelId }) => modelId,
    view: modelRow,
  }),
]);

/** What no administrator writes: money, which has its ledger, and the gateway's own notes. */
export const NOT_AUDITED: ReadonlySet<EntityTarget<ObjectLiteral>> = new Set<EntityTarget<ObjectLiteral>>([
  Account,
  AccountDelta,
  Chain,
  Posting,
  LedgerDay,
  ActivityDay,
  ActivityProgress,
  KeptDay,
  LedgerEntry,
  Revision,
  Replica,
  DatabaseLease,
  InstallationRow,
  Alert,
  AuditEntry,
  CalledNameCount,
]);
