import { Module } from '@nestjs/common';
import { AuditController } from './audit.controller.js';
import { AuditLogService } from './audit-log.service.js';
import { AuditRetention } from './audit-retention.js';
import { AuditTrail } from './audit-trail.js';

/** Who changed what: written with every change, told at `/audit`, kept as long as configured. */
@Module({ controllers: [AuditController], providers: [AuditTrail, AuditLogService, AuditRetention] })
export class AuditModule {}
