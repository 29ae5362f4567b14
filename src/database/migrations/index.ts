import { Founding1763900000000 } from './1763900000000-founding.js';
import { SharedMoney1764000000000 } from './1764000000000-shared-money.js';
import { OrganizationMembers1764100000000 } from './1764100000000-organization-members.js';
import { Alerts1764300000000 } from './1764300000000-alerts.js';
import { Tags1764400000000 } from './1764400000000-tags.js';
import { KeyRotation1764500000000 } from './1764500000000-key-rotation.js';
import { PassedHoldsAndLedgerDays1764600000000 } from './1764600000000-passed-holds-and-ledger-days.js';
import { Audit1764700000000 } from './1764700000000-audit.js';
import { AccessGroups1764800000000 } from './1764800000000-access-groups.js';
import { Activity1764900000000 } from './1764900000000-activity.js';
import { KeptDays1765000000000 } from './1765000000000-kept-days.js';
import { WholeCalls1765050000000 } from './1765050000000-whole-calls.js';
import { Installation1765100000000 } from './1765100000000-installation.js';
import { UniqueNames1765200000000 } from './1765200000000-unique-names.js';
import { DatabaseLeases1765500000000 } from './1765500000000-database-leases.js';
import { CalledNames1765700000000 } from './1765700000000-called-names.js';
import { FunctionsInFiles1765800000000 } from './1765800000000-functions-in-files.js';
import { AllowedHours1765900000000 } from './1765900000000-allowed-hours.js';
import { WideRates1766100000000 } from './1766100000000-wide-rates.js';
import { ClientAddress1766150000000 } from './1766150000000-client-address.js';
import { CallOrigins1766400000000 } from './1766400000000-call-origins.js';
import { CallOriginIndices1766400000001 } from './1766400000001-call-origin-indices.js';
import { Clamps1766600000000 } from './1766600000000-clamps.js';
import { BudgetExceededStatus1766650000000 } from './1766650000000-budget-exceeded-status.js';
import { CostTerms1767100000000 } from './1767100000000-cost-terms.js';

/** In order. A migration is never edited once released. */
export const migrations = [
  Founding1763900000000,
  SharedMoney1764000000000,
  OrganizationMembers1764100000000,
  Alerts1764300000000,
  Tags1764400000000,
  KeyRotation1764500000000,
  PassedHoldsAndLedgerDays1764600000000,
  Audit1764700000000,
  AccessGroups1764800000000,
  Activity1764900000000,
  KeptDays1765000000000,
  WholeCalls1765050000000,
  Installation1765100000000,
  UniqueNames1765200000000,
  DatabaseLeases1765500000000,
  CalledNames1765700000000,
  FunctionsInFiles1765800000000,
  AllowedHours1765900000000,
  WideRates1766100000000,
  ClientAddress1766150000000,
  CallOrigins1766400000000,
  CallOriginIndices1766400000001,
  Clamps1766600000000,
  BudgetExceededStatus1766650000000,
  CostTerms1767100000000,
];
