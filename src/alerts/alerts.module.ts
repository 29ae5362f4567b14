import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/ledger.module.js';
import { Alerts } from './alerts.js';
import { Webhook } from './webhook.js';

/** Tells a webhook what budgets come near their end. */
@Module({ imports: [LedgerModule], providers: [Alerts, Webhook] })
export class AlertsModule {}
