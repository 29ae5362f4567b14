import { Module } from '@nestjs/common';
import { LedgerModule } from './ledger.module.js';
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

/** Reports where the money of the ledger went, resets what parties have spent, and folds old entries. */
@Module({
  imports: [LedgerModule],
  controllers: [SpendController, GlobalSpendController, DailyActivityController],
  providers: [
    Retention,
    Activity,
    ActivitySums,
    DailyActivity,
    KeptDays,
    SpendLogs,
    SpendReports,
    SpendReset,
  ],
  exports: [SpendReports],
})
export class SpendModule {}
