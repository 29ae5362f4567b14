import { Injectable, Logger } from '@nestjs/common';
import { Database, isBusy, type Row, type Statement } from '../../database/database.js';
import { MAX_NANO_USD, type NanoUsd } from '../../policy/money.js';
import type { BillingChain } from '../billing-chain.js';
import { chainRow, postingRows } from '../billing-chain-rows.js';
import type { ClosedEntry, HoldRequest } from '../spend.service.js';

/** A call about to be made: committed before its first byte goes upstream. */
export interface OpenEntry {
  readonly id: string;
  readonly request: HoldRequest;
  readonly boundNanoUsd: NanoUsd;
  readonly openedAt: Date;
}

/** How an entry ended, and whom it bills. */
interface Ending {
  readonly entry: ClosedEntry;
  readonly chain: BillingChain;
}

/** Committed together or not at all. */
interface Job {
  readonly open: OpenEntry | undefined;
  readonly close: Ending | undefined;
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
  open(entry: OpenEntry, close?: Ending): Promise<void> {
    return this.enqueue(entry, close);
  }

  /**
   * Resolves when the end of the entry and the new balances of its chain are committed, together. Of an entry that ended
   * before, as when the answer to an earlier try was lost, nothing is counted again.
   */
  close(entry: ClosedEntry, chain: BillingChain): Promise<void> {
    return this.enqueue(undefined, { entry, chain });
  }

  private enqueue(open: OpenEntry | undefined, close: Ending | undefined): Promise<void> {
    return new Promise((done, failed) => {
      if (!this.waiting.length) setImmediate(() => void this.commitWaiting());
      this.waiting.push({ open, close, done, failed });
    });
  }

  private commitWaiting(): Promise<void> {
    const batch = this.waiting;
    this.waiting = [];
    return this.commit(batch);
  }

  private async commit(batch: readonly Job[]): Promise<void> {
    try {
      await this.database.writePrepared(() => this.writeBatch(batch));
    } catch (error) {
      return this.afterFailure(batch, error);
    }
    for (const { open, done } of batch) {
      if (open) open.request.chain.stored = true;
      done();
    }
  }

  private async afterFailure(batch: readonly Job[], error: unknown): Promise<void> {
    if (batch.length > 1 && !isBusy(error) && (await this.isAnswering())) {
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
    if (added.size) this.statements.addToAccounts.run([spentByAccount(added)]);
  }

  private writeOpen(entry: OpenEntry): void {
    const { chain } = entry.request;
    if (!chain.stored) this.writeChain(chain);
    this.statements.open.run(openRow(entry));
  }

  /** A chain that is there has its postings and its accounts: they were written with it. */
  private writeChain(chain: BillingChain): void {
    const { chain: insertChain, posting, account } = this.statements;
    if (!insertChain.run(Object.values(chainRow(chain))).changes) return;
    for (const row of postingRows(chain)) posting.run(Object.values(row));
    for (const row of accountRows(chain)) account.run(Object.values(row));
  }

  /** False when the entry had ended already. */
  private writeClose({ entry }: Ending): boolean {
    return this.statements.close.run(closeRow(entry)).changes > 0;
  }
}

function addCost(added: Map<string, bigint>, { entry, chain }: Ending): void {
  if (!entry.costNanoUsd) return;
  for (const { id } of chain.accounts) added.set(id, (added.get(id) ?? 0n) + entry.costNanoUsd);
}

/** As JSON. Integers travel as text, so none passes through a double; and no object has ever new members, which V8 keeps account of. */
const spentByAccount = (added: ReadonlyMap<string, bigint>) =>
  `{${Array.from(added, ([id, spent]) => `${JSON.stringify(id)}:"${spent}"`).join()}}`;

const insertInto = (table: string, columns: string) =>
  `INSERT INTO ${table} (${columns}) VALUES (${columns.replaceAll(/\w+/g, '?')}) ON CONFLICT DO NOTHING`;

/** Parameters have positions, those of the rows' members: to bind them by name costs a sixth of the writing. */
const STATEMENTS = {
  chain: insertInto('chains', 'id, key_hash, key_alias, user_id, team_id, organization_id, end_user_id'),
  posting: insertInto('postings', 'chain_id, account_id'),
  account: insertInto('accounts', 'id, scope_kind, scope_id, window_id, window_start, spent_nano_usd'),
  open: insertInto(
    'ledger_entries',
    `id, chain_id, state, bound_nano_usd, input_bound_nano_usd, request_id, call_type, model, deployment_id, provider, opened_at, request_tags`,
  ),
  close: `UPDATE ledger_entries SET state = ?, mark = ?, cost_nano_usd = ?, usage = ?, closed_at = ?
    WHERE id = ? AND state = 'open'`,
  addToAccounts: `UPDATE accounts
    SET spent_nano_usd = CASE WHEN spent_nano_usd > ${MAX_NANO_USD} - added.spent THEN ${MAX_NANO_USD} ELSE spent_nano_usd + added.spent END
    FROM (SELECT key AS id, CAST(value AS INTEGER) AS spent FROM json_each(?)) AS added
    WHERE accounts.id = added.id`,
};

const openRow = ({ id, request, boundNanoUsd, openedAt }: OpenEntry): Row => [
  id,
  request.chain.id,
  'open',
  boundNanoUsd,
  request.inputBoundNanoUsd,
  request.requestId,
  request.callType,
  request.model,
  request.deploymentId,
  request.provider,
  openedAt.getTime(),
  request.tags.length ? JSON.stringify(request.tags) : null,
];

const closeRow = (entry: ClosedEntry): Row => [
  entry.state,
  entry.mark,
  entry.costNanoUsd,
  entry.usage && JSON.stringify(entry.usage),
  entry.closedAt.getTime(),
  entry.id,
];

const accountRows = ({ accounts }: BillingChain) =>
  accounts.map(({ spec: { id, scopeKind, scopeId, windowId, window } }) => ({
    id,
    scope_kind: scopeKind,
    scope_id: scopeId,
    window_id: windowId,
    window_start: window?.start.getTime() ?? null,
    spent_nano_usd: 0n,
  }));
