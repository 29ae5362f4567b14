import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { AggregateRepository } from '../database/aggregate-repository.js';
import { StoredSetting } from './stored-setting.entity.js';

/** Settings that admins changed at runtime. */
@Injectable()
export class StoredSettingRepository extends AggregateRepository<StoredSetting> {
  constructor(@InjectRepository(StoredSetting) rows: Repository<StoredSetting>) {
    super(rows);
  }
}
