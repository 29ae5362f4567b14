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

/** Reports where the money of the ledger went, resets what parties have spent, and folds old entries. */
@Module({
  imports: [LedgerModule, PartiesModule],
  controllers: [SpendController, GlobalSpendController, DailyActivityController],
  providers: [
    Retention,
    Activity,
    ActivitySums,
    DailyActivity,
    DailyReportCache,
    SpendLogs,
    SpendReports,
    SpendResetService,
  ],
  exports: [SpendReports],
})
export class ReportingModule {}
