import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/ledger.module.js';
import { Alerts } from './alerts.js';
import { Webhook } from './webhook.js';

/** Sends webhooks about budgets that are nearly or fully spent. */
@Module({ imports: [LedgerModule], providers: [Alerts, Webhook] })
export class AlertsModule {}
