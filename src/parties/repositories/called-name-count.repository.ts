import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { AggregateRepository } from '../../database/aggregate-repository.js';
import { CalledNameCount } from '../entities/called-name-count.entity.js';

/** How many rows each caller made today by naming end users and tags. */
@Injectable()
export class CalledNameCountRepository extends AggregateRepository<CalledNameCount> {
  constructor(@InjectRepository(CalledNameCount) rows: Repository<CalledNameCount>) {
    super(rows);
  }
}
