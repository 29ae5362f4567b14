import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/ledger.module.js';
import { PartiesModule } from '../parties/parties.module.js';
import { Activity } from './activity.js';
import { ActivitySums } from './activity-sums.js';
import { DailyActivityController } from './daily-activity.controller.js';
import { DailyActivity } from './daily-activity.js';
import { GlobalSpendController } from './global-spend.controller.js';
import { DailyReportCache } from './daily-report-cache.js';
import { SpendController } from './spend.controller.js';
import { SpendLogs } from './spend-logs.js';
import { Retention } from './retention.js';
import { SpendResetService } from './spend-reset.service.js';
import { SpendReports } from './spend-reports.js';
import { TypeOrmModule } from '@nestjs/typeorm';
import { VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { User } from '../parties/entities/user.entity.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { ClientAnalytics } from './client-analytics.js';
import { ClientAnalyticsController } from './client-analytics.controller.js';
import { Team } from '../parties/entities/team.entity.js';
import { BillingChainRow } from '../ledger/billing-chain.entity.js';
import { LedgerEntry } from '../ledger/ledger-entry.entity.js';
import { DailyReport } from './daily-report.entity.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { BillingChainRepository } from '../ledger/billing-chain.repository.js';
import { LedgerEntryRepository } from '../ledger/ledger-entry.repository.js';
import { DailyReportRepository } from './daily-report.repository.js';

/** Reports spend from the ledger, resets spend, and folds old entries. */
@Module({
  imports: [
    TypeOrmModule.forFeature([VirtualKey, Team, User, BillingChainRow, LedgerEntry, DailyReport]),
    LedgerModule,
    PartiesModule,
  ],
  controllers: [SpendController, GlobalSpendController, DailyActivityController, ClientAnalyticsController],
  providers: [
    KeyRepository,
    TeamRepository,
    BillingChainRepository,
    LedgerEntryRepository,
    DailyReportRepository,
    Retention,
    Activity,
    ActivitySums,
    DailyActivity,
    ClientAnalytics,
    UserRepository,
    DailyReportCache,
    SpendLogs,
    SpendReports,
    SpendResetService,
  ],
  exports: [SpendReports],
})
export class ReportingModule {}
