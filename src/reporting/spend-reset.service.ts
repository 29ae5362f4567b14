import { Inject, Injectable } from '@nestjs/common';
import { type EntityTarget, IsNull, MoreThan } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { UNLIMITED } from '../parties/limits-row.js';
import type { PartyRow } from '../parties/party-row.js';
import { Team } from '../parties/entities/team.entity.js';
import { GLOBAL_ID } from '../ledger/account.js';
import { PartySpend, type Spender } from '../parties/party-spend.js';

/** As many parties in one transaction: calls wait behind it. */
const AT_ONCE = 200;

/** Makes what all keys, all teams and the proxy as a whole have spent nothing, as LiteLLM does; the ledger keeps every call. */
@Injectable()
export class SpendResetService {
  constructor(
    private readonly database: Database,
    private readonly spend: PartySpend,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Done again, it does what an earlier one that failed did not. */
  async everything(): Promise<void> {
    await this.all(VirtualKey, (row) => ({ kind: 'key', row, publicId: row.secretHash, entity: VirtualKey }));
    await this.all(Team, (row) => ({ kind: 'team', row, publicId: row.teamId, entity: Team }));
    await this.spend.reset([proxySpender(this.config)]);
  }

  private async all<T extends PartyRow>(
    entity: EntityTarget<T>,
    spender: (row: T) => Spender,
  ): Promise<void> {
    for (let after = '', count = AT_ONCE; count === AT_ONCE;) {
      const rows = await this.database.read((manager) =>
        manager.find<PartyRow>(entity, {
          where: { id: MoreThan(after), deletedAt: IsNull() },
          order: { id: 'ASC' },
          take: AT_ONCE,
        }),
      );
      await this.spend.reset(rows.map((row) => spender(row as T)));
      count = rows.length;
      after = rows.at(-1)?.id ?? after;
    }
  }
}

/** The proxy as a whole. */
export function proxySpender({ litellm }: Pick<Config, 'litellm'>): Spender {
  const { budgetDuration = null } = litellm;
  return {
    kind: 'global',
    publicId: GLOBAL_ID,
    row: { ...UNLIMITED, id: GLOBAL_ID, budgetId: null, budgetDuration },
  };
}
