import { Module } from '@nestjs/common';
import { Alerts } from './alerts.js';
import { Webhook } from './webhook.js';

/** Tells a webhook what budgets come near their end. */
@Module({ providers: [Alerts, Webhook] })
export class AlertsModule {}
