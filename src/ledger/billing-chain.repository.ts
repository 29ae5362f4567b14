import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { AggregateRepository } from '../database/aggregate-repository.js';
import { BillingChainRow } from './billing-chain.entity.js';

/** The rows of billing chains. */
@Injectable()
export class BillingChainRepository extends AggregateRepository<BillingChainRow> {
  constructor(@InjectRepository(BillingChainRow) rows: Repository<BillingChainRow>) {
    super(rows);
  }
}
