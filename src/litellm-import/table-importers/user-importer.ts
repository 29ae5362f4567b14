import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { CONFIG, type Config } from '../../config/config.js';
import { isDeprovisioned } from '../../parties/deprovisioned.js';
import { USER_ROLES } from '../../policy/principal.js';
import { PartySpend } from '../../parties/party-spend.js';
import { proxySpender } from '../../reporting/spend-reset.service.js';
import { User } from '../../parties/entities/user.entity.js';
import { NewUserDto } from '../../users/users.dto.js';
import { UsersService } from '../../users/users.service.js';
import { bodyOf } from '../admin-body.js';
import type { LitellmRow } from '../litellm-database.js';
import { IMPORTER } from '../restore-row.js';
import { RowRestorer } from '../row-restorer.js';
import type { SkippedRows } from '../skipped-rows.js';
import { type ImportContext, selectAll, type TableImporter } from './table-importer.js';
import { UserRepository } from '../../parties/repositories/user.repository.js';

/** Id of the user on whom LiteLLM counts the spend of the proxy as a whole. */
const PROXY_USER = 'litellm-proxy-budget';

@Injectable()
export class UserImporter implements TableImporter {
  readonly table = 'LiteLLM_UserTable';
  readonly hasPermissions = true;

  constructor(
    private readonly users: UsersService,
    private readonly restorer: RowRestorer,
    private readonly spend: PartySpend,
    @Inject(CONFIG) private readonly config: Pick<Config, 'litellm'>,
    private readonly rows: UserRepository,
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
    const { team_id: _, organization_id: __, password: ___, user_role, ...fields } = row;
    const isKnown = user_role === null || (USER_ROLES as readonly unknown[]).includes(user_role);
    if (!isKnown) warnings.changed(`user_role: internal_user instead of ${user_role as string}`);
    const blocked = isDeprovisioned(row as Pick<User, 'metadata'>);
    if (blocked) warnings.changed('metadata.scim_active: false, so the user is blocked');
    const sent = { ...fields, user_role: isKnown ? user_role : null, ...(blocked && { blocked }) };
    const user = await this.users.make(tx, userId, await bodyOf(NewUserDto, sent, warnings), IMPORTER);
    await this.restorer.restoreParty(tx, this.rows, user, row, warnings);
    if (userId === PROXY_USER) {
      const proxy = proxySpender(this.config);
      const limits = { ...proxy.row, budgetSince: user.budgetSince };
      await this.spend.open(tx, proxy, this.restorer.openingOf(limits, user, row, warnings));
    }
    return [cacheKey.user(userId)];
  }

  noteSkipped(row: LitellmRow, skipped: SkippedRows): void {
    skipped.addUser(row);
  }
}
