import { Global, Module } from '@nestjs/common';
import { Accounts } from './accounts.js';
import { Reservations } from './reservations.js';
import { Ledger } from './ledger.js';
import { LiveFiguresInterceptor } from './live-figures.interceptor.js';
import { SpendController } from './spend.controller.js';
import { SpendReports } from './spend-reports.js';
import { SpendService } from './spend.service.js';

/** Moves money and tells where it went. */
@Global()
@Module({
  controllers: [SpendController],
  providers: [Accounts, Ledger, Reservations, SpendService, SpendReports, LiveFiguresInterceptor],
  exports: [Accounts, SpendService, LiveFiguresInterceptor],
})
export class SpendModule {}
