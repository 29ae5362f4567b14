import { Inject, Injectable } from '@nestjs/common';
import { type FindOptionsOrder, type FindOptionsWhere, IsNull, MoreThan } from 'typeorm';
import type { PartyRepository } from '../parties/repositories/party.repository.js';
import { CONFIG, type Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { UNLIMITED } from '../parties/limits-row.js';
import type { PartyRow } from '../parties/party-row.js';
import { GLOBAL_ID } from '../ledger/account.js';
import { PartySpend, type Spender } from '../parties/party-spend.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';

/** The number of parties in one transaction. Calls wait for it. */
const BATCH_SIZE = 200;

/** Resets the spend of all keys, all teams and the proxy to zero, as LiteLLM does. The ledger keeps every call. */
@Injectable()
export class SpendResetService {
  constructor(
    private readonly database: Database,
    private readonly spend: PartySpend,
    @Inject(CONFIG) private readonly config: Config,
    private readonly keys: KeyRepository,
    private readonly teams: TeamRepository,
  ) {}

  /** Resets all spend. A repeated call finishes one that failed. */
  async resetAll(): Promise<void> {
    await this.resetEntity(this.keys);
    await this.resetEntity(this.teams);
    await this.spend.reset([proxySpender(this.config)]);
  }

  private async resetEntity<T extends PartyRow>(parties: PartyRepository<T>): Promise<void> {
    for (let after = '', count = BATCH_SIZE; count === BATCH_SIZE;) {
      const rows = await this.database.read((manager) =>
        parties.in(manager).find({
          where: { id: MoreThan(after), deletedAt: IsNull() } as FindOptionsWhere<T>,
          order: { id: 'ASC' } as FindOptionsOrder<T>,
          take: BATCH_SIZE,
        }),
      );
      await this.spend.reset(rows.map((row) => parties.spender(row)));
      count = rows.length;
      after = rows.at(-1)?.id ?? after;
    }
  }
}

/** Returns the proxy as a whole as a party whose spend can be reset. */
export function proxySpender({ litellm }: Pick<Config, 'litellm'>): Spender {
  const { budgetDuration = null } = litellm;
  return {
    kind: 'global',
    publicId: GLOBAL_ID,
    row: { ...UNLIMITED, id: GLOBAL_ID, budgetId: null, budgetDuration },
  };
}
