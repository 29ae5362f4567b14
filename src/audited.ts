import type { EntityTarget, ObjectLiteral } from 'typeorm';
import type { AuditedTable } from './audit/audited-tables.js';
import { CalledNameCount } from './parties/entities/called-name-count.entity.js';
import { AccessGroup } from './parties/entities/access-group.entity.js';
import { Alert } from './alerts/alert.entity.js';
import { Budget } from './parties/entities/budget.entity.js';
import { budgetView } from './budgets/budgets.service.js';
import { Revision } from './cache/revision.entity.js';
import { DatabaseLease } from './database/database-lease.entity.js';
import { EndUser } from './parties/entities/end-user.entity.js';
import { endUserView } from './end-users/end-user.view.js';
import { keyView } from './keys/key.view.js';
import { VirtualKey } from './parties/entities/virtual-key.entity.js';
import { StoredDeployment } from './models/stored-deployment.entity.js';
import { StoredSetting } from './models/stored-setting.entity.js';
import { modelRow } from './models/models.service.js';
import { OrganizationMember } from './parties/entities/organization-member.entity.js';
import { organizationMemberView } from './organizations/organization-member.view.js';
import { Organization } from './parties/entities/organization.entity.js';
import { organizationView } from './organizations/organization.view.js';
import { limitsView } from './parties/limits.view.js';
import { AccountDelta } from './ledger/account-delta.entity.js';
import { Account } from './ledger/account.entity.js';
import { InstallationRow } from './installation/installation.entity.js';
import { BillingChainRow, Posting } from './ledger/billing-chain.entity.js';
import { LedgerDay } from './ledger/ledger-day.entity.js';
import { LedgerEntry } from './ledger/ledger-entry.entity.js';
import { Replica } from './ledger/postgres/replica.entity.js';
import { ActivityDay, ActivityProgress } from './reporting/activity-day.entity.js';
import { ClientDay, ClientName } from './reporting/client-day.entity.js';
import { DailyReport } from './reporting/daily-report.entity.js';
import { Tag } from './parties/entities/tag.entity.js';
import { tagView } from './tags/tag.view.js';
import { Member } from './parties/entities/team-member.entity.js';
import { Team } from './parties/entities/team.entity.js';
import { teamView } from './teams/team.view.js';
import { User } from './parties/entities/user.entity.js';
import { userView } from './parties/user.view.js';
import { AuditEntry } from './audit/audit-entry.entity.js';

const audited = <T extends ObjectLiteral>(entity: new () => T, how: AuditedTable<T>) =>
  [entity, how as unknown as AuditedTable<ObjectLiteral>] as const;

/**
 * Tables that the audit log records. The gateway does not start with an entity that is neither here nor in `NOT_AUDITED`.
 */
export const AUDITED: ReadonlyMap<EntityTarget<ObjectLiteral>, AuditedTable<ObjectLiteral>> = new Map<
  EntityTarget<ObjectLiteral>,
  AuditedTable<ObjectLiteral>
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
  audited(StoredDeployment, {
    table: 'LiteLLM_ProxyModelTable',
    idOf: ({ modelId }) => modelId,
    view: modelRow,
  }),
  audited(StoredSetting, {
    table: 'LiteLLM_Config',
    idOf: ({ name }) => name,
    view: ({ name: param_name, value: param_value }) => ({ param_name, param_value }),
  }),
]);

/** Tables that no admin writes: money, which has its ledger, and the gateway's own notes. */
export const NOT_AUDITED: ReadonlySet<EntityTarget<ObjectLiteral>> = new Set<EntityTarget<ObjectLiteral>>([
  Account,
  AccountDelta,
  BillingChainRow,
  Posting,
  LedgerDay,
  ActivityDay,
  ActivityProgress,
  ClientDay,
  ClientName,
  DailyReport,
  LedgerEntry,
  Revision,
  Replica,
  DatabaseLease,
  InstallationRow,
  Alert,
  AuditEntry,
  CalledNameCount,
]);
