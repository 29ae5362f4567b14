import { Module } from '@nestjs/common';
import { LedgerModule } from '../spend/ledger.module.js';
import { Alerts } from './alerts.js';
import { Webhook } from './webhook.js';

/** Tells a webhook what budgets come near their end. */
@Module({ imports: [LedgerModule], providers: [Alerts, Webhook] })
export class AlertsModule {}
