import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { CLOCK, type Clock } from '../clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { Meters } from '../metrics/meters.js';
import type { Denial } from '../policy/decision.js';
import { nanoUsd, type NanoUsd, usdFromNanoUsd, ZERO_NANO_USD } from '../policy/money.js';
import type { Usage } from '../policy/price.js';
import { endlessAccount } from './account.js';
import { Accounts } from './accounts.js';
import type { BillingChain } from './chain.js';
import { type ClosedEntry, Ledger, type OpenEntry } from './ledger.js';
import type { EntryMark } from './ledger-entry.entity.js';
import { type Reservation, Reservations } from './reservations.js';
import { settleAbandoned } from './abandoned.js';
import { Database } from '../database/database.js';

/** What a call may cost, and on whom. */
export interface HoldRequest extends Omit<OpenEntry, 'id' | 'openedAt' | 'boundNanoUsd'>, Reservation {}

/** Money set aside for one attempt at one call. */
export interface Hold {
  readonly id: string;
  readonly chain: BillingChain;
  /** What was set aside: the call's whole bound, or what it was clamped to. */
  readonly boundNanoUsd: NanoUsd;
  /** Set by the first settle or release; later ones change nothing. */
  closing?: Promise<void>;
}

const RETRY_MS = 1_000;

/** Moves money: hold before the call, settle or release after it. The only place where a balance changes. */
@Injectable()
export class SpendService implements OnModuleInit, OnApplicationBootstrap {
  private readonly logger = new Logger(SpendService.name);
  private readonly closing = new Set<Promise<void>>();

  constructor(
    private readonly ledger: Ledger,
    private readonly reservations: Reservations,
    private readonly meters: Meters,
    private readonly accounts: Accounts,
    private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.meters.gauge('tollgate_held_usd', 'US dollars held by calls under way', () => {
      const [everyone] = this.accounts.peek([endlessAccount('global', 'proxy')]) ?? [];
      return usdFromNanoUsd(everyone?.heldNanoUsd ?? ZERO_NANO_USD);
    });
  }

  /** Calls that died with an earlier process are billed by rule before the first new one is let in. */
  async onApplicationBootstrap(): Promise<void> {
    const count = await settleAbandoned(this.database, this.config.general.abandonedHolds, this.clock());
    if (!count) return;
    this.meters.entries.inc({ kind: 'abandoned' }, count);
    this.logger.warn(
      `${count} calls of an earlier process were abandoned; billed their ${this.config.general.abandonedHolds}.`,
    );
  }

  /**
   * Sets money aside on every account of the chain, as much as fits of what is wished for, or on none: then the
   * objections say which accounts lack room. It may wait for others' holds. Resolves when the open entry is committed,
   * so the call may be made. Rejects when it could not be committed; then nothing is held. `replacing` is given back in
   * the same instant.
   */
  async hold(
    request: HoldRequest,
    replacing?: Hold,
  ): Promise<{ hold: Hold } | { denials: readonly Denial[] }> {
    const { chain, budgets, wish, ...entry } = request;
    const since = performance.now();
    const released = replacing && this.release(replacing);
    const taking = this.reservations.take({ chain, budgets, wish });
    const taken = taking instanceof Promise ? await taking : taking;
    if ('denials' in taken) {
      await released;
      return taken;
    }
    const boundNanoUsd = taken.amountNanoUsd;
    const hold: Hold = { id: uuidv7(), chain, boundNanoUsd };
    try {
      await this.ledger.open({ ...entry, id: hold.id, boundNanoUsd, openedAt: this.clock() }, chain);
    } catch (error) {
      giveBack(chain, boundNanoUsd, 1);
      this.reservations.freed(chain.accounts);
      throw error;
    }
    await released;
    this.meters.holdSeconds.observe((performance.now() - since) / 1_000);
    return { hold };
  }

  /**
   * Replaces the hold by the true cost, on the accounts of the hold. Resolves when that is committed; a commit that
   * fails is tried again until it succeeds, and the hold stays until then.
   */
  settle(
    hold: Hold,
    costNanoUsd: NanoUsd,
    usage: Usage | null,
    mark: EntryMark | null = null,
  ): Promise<void> {
    const overrun = costNanoUsd > hold.boundNanoUsd;
    if (overrun) this.logger.warn(`Entry ${hold.id} cost more than its bound; billed truly.`);
    return (hold.closing ??= this.close(
      hold,
      'settled',
      costNanoUsd,
      usage,
      mark ?? (overrun ? 'overrun' : null),
    ));
  }

  /** Gives the hold back: only when provably nothing was produced. */
  release(hold: Hold): Promise<void> {
    return (hold.closing ??= this.close(hold, 'released', ZERO_NANO_USD, null, null));
  }

  /** Waits until nothing is being written, or `patienceMs` are over: the last thing before the database closes. */
  async drained(patienceMs: number): Promise<void> {
    const until = Date.now() + patienceMs;
    while (this.closing.size && Date.now() < until) {
      await Promise.race([...this.closing, pause(Math.min(RETRY_MS, until - Date.now()))]);
    }
  }

  private close(...args: Parameters<SpendService['closed']>): Promise<void> {
    const closing = this.closed(...args).finally(() => this.closing.delete(closing));
    this.closing.add(closing);
    return closing;
  }

  private async closed(
    { id, chain, boundNanoUsd }: Hold,
    state: 'settled' | 'released',
    costNanoUsd: NanoUsd,
    usage: Usage | null,
    mark: EntryMark | null,
  ): Promise<void> {
    const entry = { id, state, costNanoUsd, usage, mark, closedAt: this.clock() };
    // A released hold is free money at once: nothing was produced, whatever happens to its row.
    if (state === 'released') {
      giveBack(chain, boundNanoUsd, 0);
      this.reservations.freed(chain.accounts);
    }
    for (let again = false; !(await this.isClosed(entry, chain, again)); again = true) await pause(RETRY_MS);
    for (const account of chain.accounts) {
      account.spentNanoUsd = nanoUsd(account.spentNanoUsd + costNanoUsd);
      account.unsettled--;
      if (state === 'settled') account.heldNanoUsd = nanoUsd(account.heldNanoUsd - boundNanoUsd);
    }
    if (state === 'settled') this.reservations.freed(chain.accounts);
    this.meters.entries.inc({ kind: mark ?? state });
    this.meters.settledUsd.inc(usdFromNanoUsd(costNanoUsd));
  }

  private isClosed(entry: ClosedEntry, chain: BillingChain, again: boolean): Promise<boolean> {
    return this.ledger.close(entry, chain, again).then(
      () => true,
      () => false,
    );
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function giveBack({ accounts }: BillingChain, amount: NanoUsd, entries: 0 | 1): void {
  for (const account of accounts) {
    account.heldNanoUsd = nanoUsd(account.heldNanoUsd - amount);
    account.unsettled -= entries;
  }
}
