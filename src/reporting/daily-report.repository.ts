import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { AggregateRepository } from '../database/aggregate-repository.js';
import { DailyReport } from './daily-report.entity.js';

/** The stored reports of days that cannot change any more. */
@Injectable()
export class DailyReportRepository extends AggregateRepository<DailyReport> {
  constructor(@InjectRepository(DailyReport) rows: Repository<DailyReport>) {
    super(rows);
  }
}
