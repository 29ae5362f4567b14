import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditEntry } from './audit-entry.entity.js';
import { AuditEntryRepository } from './audit-entry.repository.js';
import { AuditController } from './audit.controller.js';
import { AuditLogService } from './audit-log.service.js';
import { AuditRetention } from './audit-retention.js';
import { AuditTrail } from './audit-trail.js';
import { AUDITED_TABLES, type AuditedTables } from './audited-tables.js';

/** Records every change with its actor, serves `/audit`, and deletes entries after the configured time. */
@Module({
  imports: [TypeOrmModule.forFeature([AuditEntry])],
  controllers: [AuditController],
  providers: [AuditEntryRepository, AuditTrail, AuditLogService, AuditRetention],
})
export class AuditModule {
  /** Returns the module for the tables of the composition. */
  static for(tables: AuditedTables): DynamicModule {
    return { module: AuditModule, providers: [{ provide: AUDITED_TABLES, useValue: tables }] };
  }
}
