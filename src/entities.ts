import { CalledNameCount } from './parties/called-name-count.entity.js';
import { AccessGroup } from './access-groups/access-group.entity.js';
import { Alert } from './alerts/alert.entity.js';
import { AuditEntry } from './audit/audit-entry.entity.js';
import { Budget } from './budgets/budget.entity.js';
import { Revision } from './cache/revision.entity.js';
import { DatabaseLease } from './database/database-lease.entity.js';
import { EndUser } from './end-users/end-user.entity.js';
import { VirtualKey } from './keys/virtual-key.entity.js';
import { InstallationRow } from './installation/installation.entity.js';
import { Model } from './models/model.entity.js';
import { OrganizationMember } from './orgs/organization-member.entity.js';
import { Organization } from './orgs/organization.entity.js';
import { AccountDelta } from './spend/account-delta.entity.js';
import { Account } from './spend/account.entity.js';
import { Chain, Posting } from './spend/chain.entity.js';
import { LedgerDay } from './spend/ledger-day.entity.js';
import { LedgerEntry } from './spend/ledger-entry.entity.js';
import { Replica } from './spend/postgres/replica.entity.js';
import { ActivityDay, ActivityProgress } from './spend/reports/activity-day.entity.js';
import { KeptDay } from './spend/reports/kept-day.entity.js';
import { Tag } from './tags/tag.entity.js';
import { Member } from './teams/member.entity.js';
import { Team } from './teams/team.entity.js';
import { User } from './users/user.entity.js';

/** Every table, listed once: Nest, the migrations' drift test and the TypeORM CLI read this. */
export const entities = [
  VirtualKey,
  User,
  Team,
  Member,
  Organization,
  OrganizationMember,
  EndUser,
  Tag,
  Budget,
  Model,
  AccessGroup,
  Account,
  AccountDelta,
  Chain,
  Posting,
  LedgerEntry,
  LedgerDay,
  ActivityDay,
  ActivityProgress,
  KeptDay,
  Revision,
  Replica,
  DatabaseLease,
  InstallationRow,
  Alert,
  AuditEntry,
  CalledNameCount,
];
