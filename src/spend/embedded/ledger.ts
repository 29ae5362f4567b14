import { Injectable, Logger } from '@nestjs/common';
import { Database, type Statement } from '../../database/database.js';
import { MAX_NANO_USD, type NanoUsd } from '../../policy/money.js';
import type { BillingChain } from '../chain.js';
import { chainRow, postingRows } from '../chain-rows.js';
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
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Writes the ledger. All entries of one turn of the event loop go into one transaction, so batches grow with load and
 * nothing waits for a timer. A batch that fails is split until only the entry at fault fails.
 */
@Injectable()
export class Ledger {
  private readonly logger = new Logger(Ledger.name);
  private readonly statements: Readonly<Record<keyof typeof STATEMENTS, Statement>>;
  private waiting: Job[] = [];

  constructor(private readonly database: Database) {
    const prepared = Object.entries(STATEMENTS).map(([name, sql]) => [name, database.prepare(sql)]);
    this.statements = Object.fromEntries(prepared) as typeof this.statements;
  }

  /** Resolves when the entry is committed, and with it the end of the one it takes the place of. Rejects when it is known not to be. */
  open(entry: OpenEntry, chain: BillingChain, instead?: Of<ClosedEntry>): Promise<void> {
    return this.enqueue({ open: { entry, chain }, ...(instead && { close: instead }) });
  }

  /**
   * Resolves when the end of the entry and the new balances of its chain are committed, together. Of an entry that ended
   * before, as when the answer to an earlier try was lost, nothing is counted again.
   */
  close(entry: ClosedEntry, chain: BillingChain): Promise<void> {
    return this.enqueue({ close: { entry, chain } });
  }

  private enqueue(job: Omit<Job, 'done' | 'failed'>): Promise<void> {
    return new Promise((done, failed) => {
      if (!this.waiting.length) setImmediate(() => void this.commitWaiting());
      this.waiting.push({ ...job, done, failed });
    });
  }

  private commitWaiting(): Promise<void> {
    const batch = this.waiting;
    this.waiting = [];
    return this.commit(batch);
  }

  private async commit(batch: readonly Job[]): Promise<void> {
    try {
      await this.database.writeAtOnce(() => this.writeBatch(batch));
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
      await this.commit(batch.slice(0, half));
      await this.commit(batch.slice(half));
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

  private writeBatch(batch: readonly Job[]): void {
    const added = new Map<string, bigint>();
    for (const { open, close } of batch) {
      if (open) this.writeOpen(open);
      if (close && this.writeClose(close)) addCost(added, close);
    }
    for (const [id, spent] of added) this.statements.addToAccount.run({ id, spent });
  }

  private writeOpen({ entry, chain }: Of<OpenEntry>): void {
    if (!chain.stored) this.writeChain(chain);
    this.statements.open.run(openRow(entry, chain));
  }

  private writeChain(chain: BillingChain): void {
    const { chain: insertChain, posting, account } = this.statements;
    insertChain.run(chainRow(chain));
    for (const row of postingRows(chain)) posting.run(row);
    for (const row of accountRows(chain)) account.run(row);
  }

  /** False when the entry had ended already. */
  private writeClose({ entry }: Of<ClosedEntry>): boolean {
    return this.statements.close.run(closeRow(entry)).changes > 0;
  }
}

function addCost(added: Map<string, bigint>, { entry, chain }: Of<ClosedEntry>): void {
  if (!entry.costNanoUsd) return;
  for (const { id } of chain.accounts) added.set(id, (added.get(id) ?? 0n) + entry.costNanoUsd);
}

const insertInto = (table: string, columns: string) =>
  `INSERT INTO ${table} (${columns}) VALUES (${columns.replaceAll(/\w+/g, ':$&')}) ON CONFLICT DO NOTHING`;

const STATEMENTS = {
  chain: insertInto('chains', 'id, key_hash, key_alias, user_id, team_id, organization_id, end_user_id'),
  posting: insertInto('postings', 'chain_id, account_id'),
  account: insertInto('accounts', 'id, scope_kind, scope_id, window_id, window_start, spent_nano_usd'),
  open: insertInto(
    'ledger_entries',
    `id, chain_id, state, bound_nano_usd, input_bound_nano_usd, request_id, call_type, model, deployment_id, provider, opened_at, request_tags`,
  ),
  close: `UPDATE ledger_entries SET state = :state, mark = :mark, cost_nano_usd = :cost_nano_usd, usage = :usage, closed_at = :closed_at
    WHERE id = :id AND state = 'open'`,
  addToAccount: `UPDATE accounts
    SET spent_nano_usd = CASE WHEN spent_nano_usd > ${MAX_NANO_USD} - :spent THEN ${MAX_NANO_USD} ELSE spent_nano_usd + :spent END
    WHERE id = :id`,
};

const openRow = (entry: OpenEntry, chain: BillingChain) => ({
  id: entry.id,
  chain_id: chain.id,
  state: 'open',
  bound_nano_usd: entry.boundNanoUsd,
  input_bound_nano_usd: entry.inputBoundNanoUsd,
  request_id: entry.requestId,
  call_type: entry.callType,
  model: entry.model,
  deployment_id: entry.deploymentId,
  provider: entry.provider,
  opened_at: entry.openedAt.getTime(),
  request_tags: entry.tags.length ? JSON.stringify(entry.tags) : null,
});

const closeRow = (entry: ClosedEntry) => ({
  id: entry.id,
  state: entry.state,
  mark: entry.mark,
  cost_nano_usd: entry.costNanoUsd,
  usage: entry.usage && JSON.stringify(entry.usage),
  closed_at: entry.closedAt.getTime(),
});

const accountRows = ({ accounts }: BillingChain) =>
  accounts.map(({ spec: { id, scopeKind, scopeId, windowId, window } }) => ({
    id,
    scope_kind: scopeKind,
    scope_id: scopeId,
    window_id: windowId,
    window_start: window?.start.getTime() ?? null,
    spent_nano_usd: 0n,
  }));
