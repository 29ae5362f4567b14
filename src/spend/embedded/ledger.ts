import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../../database/database.js';
import { MAX_NANO_USD, type NanoUsd } from '../../policy/money.js';
import type { BillingChain } from '../chain.js';
import { chainRow, CHAIN, POSTING, postingRows } from '../chain-rows.js';
import { type Columns, rowsOf } from '../rows-of.js';
import type { ClosedEntry, HoldRequest } from '../spend.service.js';

/** A call about to be made: committed before its first byte goes upstream. */
export interface OpenEntry extends Pick<
  HoldRequest,
  'inputBoundNanoUsd' | 'requestId' | 'tags' | 'callType' | 'model' | 'deploymentId' | 'provider'
> {
  readonly id: string;
  readonly boundNanoUsd: NanoUsd;
  readonly openedAt: Date;
}

/** An entry and whom it bills. */
interface Of<Entry> {
  readonly entry: Entry;
  readonly chain: BillingChain;
}

/** Committed together or not at all. */
interface Job {
  readonly open?: Of<OpenEntry>;
  readonly close?: Of<ClosedEntry>;
  readonly again?: boolean;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Writes the ledger. All entries that are waiting go into one transaction; the next one starts when it is done, so
 * batches grow with load and nothing waits for a timer. A batch that fails is split until only the entry at fault fails.
 */
@Injectable()
export class Ledger {
  private readonly logger = new Logger(Ledger.name);
  private waiting: Job[] = [];
  private committing = false;

  constructor(private readonly database: Database) {}

  /** Resolves when the entry is committed, and with it the end of the one it takes the place of. Rejects when it is known not to be. */
  open(entry: OpenEntry, chain: BillingChain, instead?: Of<ClosedEntry>): Promise<void> {
    return this.enqueue({ open: { entry, chain }, ...(instead && { close: instead }) });
  }

  /**
   * Resolves when the end of the entry and the new balances of its chain are committed, together. `again`: an earlier
   * try failed, and nobody knows whether it was committed after all.
   */
  close(entry: ClosedEntry, chain: BillingChain, again = false): Promise<void> {
    return this.enqueue({ close: { entry, chain }, again });
  }

  private enqueue(job: Omit<Job, 'done' | 'failed'>): Promise<void> {
    return new Promise((done, failed) => {
      this.waiting.push({ ...job, done, failed });
      if (!this.committing) {
        this.committing = true;
        setImmediate(() => void this.commitAll());
      }
    });
  }

  private async commitAll(): Promise<void> {
    while (this.waiting.length) {
      const batch = this.waiting;
      this.waiting = [];
      await this.commit(
        batch,
        batch.some(({ again }) => again),
      );
    }
    this.committing = false;
  }

  private async commit(batch: readonly Job[], again: boolean): Promise<void> {
    try {
      await this.database.write((tx) => this.writeBatch(tx, batch, again), 'ledger');
    } catch (error) {
      return this.afterFailure(batch, error);
    }
    for (const { open, done } of batch) {
      if (open) open.chain.stored = true;
      done();
    }
  }

  private async afterFailure(batch: readonly Job[], error: unknown): Promise<void> {
    if (batch.length > 1 && (await this.isAnswering())) {
      const half = batch.length >> 1;
      await this.commit(batch.slice(0, half), true);
      await this.commit(batch.slice(half), true);
      return;
    }
    this.logger.error(`${batch.length} ledger entries could not be written: ${String(error)}`);
    for (const { failed } of batch) failed(error);
  }

  private isAnswering(): Promise<boolean> {
    return this.database
      .read((manager) => manager.query('SELECT 1'), 'ledger')
      .then(
        () => true,
        () => false,
      );
  }

  /** `again`: an earlier try may have been committed after all, so what is already there must not count twice. */
  private async writeBatch(tx: EntityManager, batch: readonly Job[], again: boolean): Promise<void> {
    const insert = (table: string, columns: Columns, rows: readonly object[]) =>
      rows.length
        ? tx.query(
            `INSERT INTO ${table} (${Object.keys(columns).join(', ')}) SELECT * FROM ${rowsOf(columns, this.database)} AS r WHERE true ON CONFLICT DO NOTHING`,
            [JSON.stringify(rows)],
          )
        : undefined;

    const opens = batch.flatMap(({ open }) => open ?? []);
    const chains = [...new Set(opens.map(({ chain }) => chain).filter(({ stored }) => !stored))];
    await insert('chains', CHAIN, chains.map(chainRow));
    await insert('postings', POSTING, chains.flatMap(postingRows));
    await insert('accounts', ACCOUNT, accountRows(chains));
    await insert(
      'ledger_entries',
      OPEN,
      opens.map(({ entry, chain }) => openRow(entry, chain)),
    );

    const closing = batch.flatMap(({ close }) => close ?? []);
    if (!closing.length) return;
    const stillOpen = again ? await this.openAmong(tx, closing) : undefined;
    const closes = closing.filter(({ entry }) => !stillOpen || stillOpen.has(entry.id));
    if (!closes.length) return;
    await tx.query(
      `UPDATE ledger_entries SET state = r.state, mark = r.mark, cost_nano_usd = r.cost_nano_usd, usage = r.usage, closed_at = r.closed_at
       FROM ${rowsOf(CLOSE, this.database)} AS r WHERE ledger_entries.id = r.id AND ledger_entries.state = 'open'`,
      [JSON.stringify(closes.map(({ entry }) => closeRow(entry)))],
    );
    await this.addToAccounts(tx, closes);
  }

  private async openAmong(tx: EntityManager, closing: readonly Of<ClosedEntry>[]): Promise<Set<string>> {
    const rows: { id: string }[] = await tx.query(
      `SELECT e.id AS id FROM ledger_entries e JOIN ${rowsOf({ id: 'varchar' }, this.database)} AS r ON e.id = r.id WHERE e.state = 'open'`,
      [JSON.stringify(closing.map(({ entry }) => ({ id: entry.id })))],
    );
    return new Set(rows.map(({ id }) => id));
  }

  private async addToAccounts(tx: EntityManager, closes: readonly Of<ClosedEntry>[]): Promise<void> {
    const added = new Map<string, bigint>();
    for (const { entry, chain } of closes) {
      if (!entry.costNanoUsd) continue;
      for (const { id } of chain.accounts) added.set(id, (added.get(id) ?? 0n) + entry.costNanoUsd);
    }
    if (!added.size) return;
    await tx.query(
      `UPDATE accounts SET spent_nano_usd = CASE WHEN accounts.spent_nano_usd > ${MAX_NANO_USD} - r.spent THEN ${MAX_NANO_USD} ELSE accounts.spent_nano_usd + r.spent END
       FROM ${rowsOf({ id: 'varchar', spent: 'bigint' }, this.database)} AS r WHERE accounts.id = r.id`,
      [JSON.stringify(Array.from(added, ([id, spent]) => ({ id, spent: spent.toString() })))],
    );
  }
}

const OPEN: Columns = {
  id: 'varchar',
  chain_id: 'varchar',
  state: 'varchar',
  bound_nano_usd: 'bigint',
  input_bound_nano_usd: 'bigint',
  request_id: 'varchar',
  call_type: 'varchar',
  model: 'varchar',
  deployment_id: 'varchar',
  provider: 'varchar',
  opened_at: 'bigint',
  request_tags: 'text',
};

const openRow = (entry: OpenEntry, chain: BillingChain) => ({
  id: entry.id,
  chain_id: chain.id,
  state: 'open',
  bound_nano_usd: entry.boundNanoUsd.toString(),
  input_bound_nano_usd: entry.inputBoundNanoUsd.toString(),
  request_id: entry.requestId,
  call_type: entry.callType,
  model: entry.model,
  deployment_id: entry.deploymentId,
  provider: entry.provider,
  opened_at: entry.openedAt.getTime(),
  request_tags: entry.tags.length ? JSON.stringify(entry.tags) : null,
});

const CLOSE: Columns = {
  id: 'varchar',
  state: 'varchar',
  mark: 'varchar',
  cost_nano_usd: 'bigint',
  usage: 'text',
  closed_at: 'bigint',
};

const closeRow = (entry: ClosedEntry) => ({
  id: entry.id,
  state: entry.state,
  mark: entry.mark,
  cost_nano_usd: entry.costNanoUsd.toString(),
  usage: entry.usage && JSON.stringify(entry.usage),
  closed_at: entry.closedAt.getTime(),
});

const ACCOUNT: Columns = {
  id: 'varchar',
  scope_kind: 'varchar',
  scope_id: 'varchar',
  window_id: 'varchar',
  window_start: 'bigint',
  spent_nano_usd: 'bigint',
};

const accountRows = (chains: readonly BillingChain[]) =>
  chains.flatMap(({ accounts }) =>
    accounts.map(({ spec: { id, scopeKind, scopeId, windowId, window } }) => ({
      id,
      scope_kind: scopeKind,
      scope_id: scopeId,
      window_id: windowId,
      window_start: window?.start.getTime() ?? null,
      spent_nano_usd: '0',
    })),
  );
