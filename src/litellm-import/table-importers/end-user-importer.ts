import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { EndUser } from '../../parties/entities/end-user.entity.js';
import { NewEndUserDto } from '../../end-users/end-users.dto.js';
import { EndUsersService } from '../../end-users/end-users.service.js';
import { bodyOf } from '../admin-body.js';
import type { LitellmRow } from '../litellm-database.js';
import { IMPORTER } from '../restore-row.js';
import { RowRestorer } from '../row-restorer.js';
import { type ImportContext, selectAll, type TableImporter } from './table-importer.js';

@Injectable()
export class EndUserImporter implements TableImporter {
  readonly table = 'LiteLLM_EndUserTable';
  readonly hasPermissions = true;

  constructor(
    private readonly endUsers: EndUsersService,
    private readonly restorer: RowRestorer,
  ) {}

  query(): string {
    return selectAll(this.table, 'user_id');
  }

  idOf({ user_id }: LitellmRow): string {
    return user_id as string;
  }

  async import(tx: EntityManager, row: LitellmRow, { warnings }: ImportContext) {
    const userId = row.user_id as string;
    if (await tx.existsBy(EndUser, { userId })) return 'exists';
    const made = await this.endUsers.make(tx, await bodyOf(NewEndUserDto, row, warnings), IMPORTER);
    const party = { kind: 'end_user', entity: EndUser, row: made, publicId: userId } as const;
    await this.restorer.restoreParty(tx, party, row, warnings);
    return [cacheKey.endUser(userId)];
  }
}
