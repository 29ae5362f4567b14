import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { AggregateRepository } from '../database/aggregate-repository.js';
import { LedgerEntry } from './ledger-entry.entity.js';

/** Entries of the ledger. */
@Injectable()
export class LedgerEntryRepository extends AggregateRepository<LedgerEntry> {
  constructor(@InjectRepository(LedgerEntry) rows: Repository<LedgerEntry>) {
    super(rows);
  }
}
