import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { NewEndUserDto } from '../../end-users/end-users.dto.js';
import { EndUsersService } from '../../end-users/end-users.service.js';
import { bodyOf } from '../admin-body.js';
import type { LitellmRow } from '../litellm-database.js';
import { IMPORTER } from '../restore-row.js';
import { RowRestorer } from '../row-restorer.js';
import { type ImportContext, selectAll, type TableImporter } from './table-importer.js';
import { EndUserRepository } from '../../parties/repositories/end-user.repository.js';

@Injectable()
export class EndUserImporter implements TableImporter {
  readonly table = 'LiteLLM_EndUserTable';
  readonly hasPermissions = true;

  constructor(
    private readonly endUsers: EndUsersService,
    private readonly restorer: RowRestorer,
    private readonly rows: EndUserRepository,
  ) {}

  query(): string {
    return selectAll(this.table, 'user_id');
  }

  idOf({ user_id }: LitellmRow): string {
    return user_id as string;
  }

  async import(tx: EntityManager, row: LitellmRow, { warnings }: ImportContext) {
    const userId = row.user_id as string;
    if (await this.rows.in(tx).existsBy({ userId })) return 'exists';
    const endUser = await this.endUsers.make(tx, await bodyOf(NewEndUserDto, row, warnings), IMPORTER);
    await this.restorer.restoreParty(tx, this.rows, endUser, row, warnings);
    return [cacheKey.endUser(userId)];
  }
}
