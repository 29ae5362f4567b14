import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { AggregateRepository } from '../database/aggregate-repository.js';
import { AuditEntry } from './audit-entry.entity.js';

/** Entries of the audit log. */
@Injectable()
export class AuditEntryRepository extends AggregateRepository<AuditEntry> {
  constructor(@InjectRepository(AuditEntry) rows: Repository<AuditEntry>) {
    super(rows);
  }
}
