import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { Accounts } from './accounts.js';
import { EmbeddedAccounts } from './embedded/embedded-accounts.js';
import { EmbeddedSpend } from './embedded/embedded-spend.js';
import { Ledger } from './embedded/ledger.js';
import { Reservations } from './embedded/reservations.js';
import { LiveFiguresInterceptor } from './live-figures.interceptor.js';
import { Movements } from './movements.js';
import { PartySpend } from './party-spend.js';
import { MoneyConnection } from './postgres/money-connection.js';
import { MoneyStatements } from './postgres/money-statements.js';
import { Replicas } from './postgres/replicas.js';
import { SharedAccounts } from './postgres/shared-accounts.js';
import { SharedSpend } from './postgres/shared-spend.js';
import { Activity } from './reports/activity.js';
import { ActivitySums } from './reports/activity-sums.js';
import { DailyActivityController } from './reports/daily-activity.controller.js';
import { DailyActivity } from './reports/daily-activity.js';
import { GlobalSpendController } from './reports/global-spend.controller.js';
import { KeptDays } from './reports/kept-days.js';
import { SpendController } from './reports/spend.controller.js';
import { SpendLogs } from './reports/spend-logs.js';
import { Retention } from './retention.js';
import { SpendReset } from './spend-reset.js';
import { SpendReports } from './spend-reports.js';
import { SpendService } from './spend.service.js';

const EMBEDDED = [
  Ledger,
  Reservations,
  { provide: Accounts, useClass: EmbeddedAccounts },
  { provide: SpendService, useClass: EmbeddedSpend },
];

const SHARED = [
  MoneyConnection,
  MoneyStatements,
  Replicas,
  { provide: Accounts, useClass: SharedAccounts },
  { provide: SpendService, useClass: SharedSpend },
];

/** Moves money and tells where it went: in memory for one process, in the rows of PostgreSQL for any number. */
@Global()
@Module({})
export class SpendModule {
  static for({ databaseUrl }: Config): DynamicModule {
    return {
      module: SpendModule,
      controllers: [SpendController, GlobalSpendController, DailyActivityController],
      providers: [
        ...(databaseUrl ? SHARED : EMBEDDED),
        Movements,
        PartySpend,
        Retention,
        Activity,
        ActivitySums,
        DailyActivity,
        KeptDays,
        SpendLogs,
        SpendReports,
        SpendReset,
        LiveFiguresInterceptor,
      ],
      exports: [Accounts, SpendService, SpendReports, Movements, PartySpend, LiveFiguresInterceptor],
    };
  }
}
