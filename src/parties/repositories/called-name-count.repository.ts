import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { AggregateRepository } from '../../database/aggregate-repository.js';
import { CalledNameCount } from '../entities/called-name-count.entity.js';

/** Counts of the rows that each caller created in one day by naming end users and tags. */
@Injectable()
export class CalledNameCountRepository extends AggregateRepository<CalledNameCount> {
  constructor(@InjectRepository(CalledNameCount) rows: Repository<CalledNameCount>) {
    super(rows);
  }
}
