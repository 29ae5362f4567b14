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

/** As many parties in one transaction: calls wait behind it. */
const AT_ONCE = 200;

/** Makes what all keys, all teams and the proxy as a whole have spent nothing, as LiteLLM does; the ledger keeps every call. */
@Injectable()
export class SpendResetService {
  constructor(
    private readonly database: Database,
    private readonly spend: PartySpend,
    @Inject(CONFIG) private readonly config: Config,
    private readonly keys: KeyRepository,
    private readonly teams: TeamRepository,
  ) {}

  /** Done again, it does what an earlier one that failed did not. */
  async everything(): Promise<void> {
    await this.all(this.keys);
    await this.all(this.teams);
    await this.spend.reset([proxySpender(this.config)]);
  }

  private async all<T extends PartyRow>(parties: PartyRepository<T>): Promise<void> {
    for (let after = '', count = AT_ONCE; count === AT_ONCE;) {
      const rows = await this.database.read((manager) =>
        parties.in(manager).find({
          where: { id: MoreThan(after), deletedAt: IsNull() } as FindOptionsWhere<T>,
          order: { id: 'ASC' } as FindOptionsOrder<T>,
          take: AT_ONCE,
        }),
      );
      await this.spend.reset(rows.map((row) => parties.spender(row)));
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
