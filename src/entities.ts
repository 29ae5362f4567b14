import { CalledNameCount } from './parties/entities/called-name-count.entity.js';
import { AccessGroup } from './parties/entities/access-group.entity.js';
import { Alert } from './alerts/alert.entity.js';
import { AuditEntry } from './audit/audit-entry.entity.js';
import { Budget } from './parties/entities/budget.entity.js';
import { Revision } from './cache/revision.entity.js';
import { DatabaseLease } from './database/database-lease.entity.js';
import { EndUser } from './parties/entities/end-user.entity.js';
import { VirtualKey } from './parties/entities/virtual-key.entity.js';
import { InstallationRow } from './installation/installation.entity.js';
import { StoredDeployment } from './models/stored-deployment.entity.js';
import { StoredSetting } from './models/stored-setting.entity.js';
import { OrganizationMember } from './parties/entities/organization-member.entity.js';
import { Organization } from './parties/entities/organization.entity.js';
import { AccountDelta } from './ledger/account-delta.entity.js';
import { Account } from './ledger/account.entity.js';
import { BillingChainRow, Posting } from './ledger/billing-chain.entity.js';
import { LedgerDay } from './ledger/ledger-day.entity.js';
import { LedgerEntry } from './ledger/ledger-entry.entity.js';
import { Replica } from './ledger/postgres/replica.entity.js';
import { ActivityDay, ActivityProgress } from './reporting/activity-day.entity.js';
import { ClientDay, ClientName } from './reporting/client-day.entity.js';
import { DailyReport } from './reporting/daily-report.entity.js';
import { Tag } from './parties/entities/tag.entity.js';
import { Member } from './parties/entities/team-member.entity.js';
import { Team } from './parties/entities/team.entity.js';
import { User } from './parties/entities/user.entity.js';

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
  StoredDeployment,
  StoredSetting,
  AccessGroup,
  Account,
  AccountDelta,
  BillingChainRow,
  Posting,
  LedgerEntry,
  LedgerDay,
  ActivityDay,
  ActivityProgress,
  ClientDay,
  ClientName,
  DailyReport,
  Revision,
  Replica,
  DatabaseLease,
  InstallationRow,
  Alert,
  AuditEntry,
  CalledNameCount,
];
