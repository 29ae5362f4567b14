import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { AggregateRepository } from '../database/aggregate-repository.js';
import { StoredDeployment } from './stored-deployment.entity.js';

/** Deployments that were added at runtime. */
@Injectable()
export class StoredDeploymentRepository extends AggregateRepository<StoredDeployment> {
  constructor(@InjectRepository(StoredDeployment) rows: Repository<StoredDeployment>) {
    super(rows);
  }
}
