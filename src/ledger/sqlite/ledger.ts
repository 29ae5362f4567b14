import { Injectable, Logger } from '@nestjs/common';
import { Database, isBusy, type Row, type Statement } from '../../database/database.js';
import { MAX_NANO_USD, type NanoUsd } from '../../policy/money.js';
import type { BillingChain } from '../billing-chain.js';
import { chainRow, postingRows } from '../billing-chain-rows.js';
import { ORIGIN_COLUMNS, originValues } from '../call-origin.js';
import type { ClosedEntry, HoldRequest } from '../spend.service.js';

/** The entry of a call that is about to be forwarded. It is committed before the first byte goes upstream. */
export interface OpenEntry {
  readonly id: string;
  readonly request: HoldRequest;
  readonly boundNanoUsd: NanoUsd;
  readonly openedAt: Date;
}

/** The end of an entry, and the chain that it bills. */
interface ClosingEntry {
  readonly entry: ClosedEntry;
  readonly chain: BillingChain;
}

/** An opened entry, a closed entry or both, committed in one transaction. */
interface LedgerWrite {
  readonly open: OpenEntry | undefined;
  readonly close: ClosingEntry | undefined;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Writes the ledger. All entries of one turn of the event loop go into one transaction, so batches grow with load and
 * no timer is needed. A batch that fails is split until only the faulty entry fails.
 */
@Injectable()
export class Ledger {
  private readonly logger = new Logger(Ledger.name);
  private readonly statements: Readonly<Record<keyof typeof STATEMENTS, Statement>>;
  private waiting: LedgerWrite[] = [];

  constructor(private readonly database: Database) {
    const prepared = Object.entries(STATEMENTS).map(([name, sql]) => [name, database.prepare(sql)]);
    this.statements = Object.fromEntries(prepared) as typeof this.statements;
  }

  /**
   * Resolves when the entry is committed, together with the end of the entry it replaces. Rejects if it is known not
   * to be committed.
   */
  open(entry: OpenEntry, close?: ClosingEntry): Promise<void> {
    return this.enqueue(entry, close);
  }

  /**
   * Resolves when the end of the entry and the new balances of its chain are committed. An entry that ended before
   * (the response to an earlier try was lost) is not counted again.
   */
  close(entry: ClosedEntry, chain: BillingChain): Promise<void> {
    return this.enqueue(undefined, { entry, chain });
  }

  private enqueue(open: OpenEntry | undefined, close: ClosingEntry | undefined): Promise<void> {
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

  private async commit(batch: readonly LedgerWrite[]): Promise<void> {
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

  private async afterFailure(batch: readonly LedgerWrite[], error: unknown): Promise<void> {
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

  private writeBatch(batch: readonly LedgerWrite[]): void {
    const spentByAccount = new Map<string, bigint>();
    for (const { open, close } of batch) {
      if (open) this.writeOpen(open);
      if (close && this.writeClose(close)) addCost(spentByAccount, close);
    }
    if (spentByAccount.size) this.statements.addToAccounts.run([toJson(spentByAccount)]);
  }

  private writeOpen(entry: OpenEntry): void {
    const { chain } = entry.request;
    if (!chain.stored) this.writeChain(chain);
    this.statements.open.run(openRow(entry));
  }

  /** Writes a chain with its postings and accounts. A stored chain already has them. */
  private writeChain(chain: BillingChain): void {
    const { chain: insertChain, posting, account } = this.statements;
    if (!insertChain.run(Object.values(chainRow(chain))).changes) return;
    for (const row of postingRows(chain)) posting.run(Object.values(row));
    for (const row of accountRows(chain)) account.run(Object.values(row));
  }

  /** Returns false if the entry had already ended. */
  private writeClose({ entry }: ClosingEntry): boolean {
    return this.statements.close.run(closeRow(entry)).changes > 0;
  }
}

function addCost(spentByAccount: Map<string, bigint>, { entry, chain }: ClosingEntry): void {
  if (!entry.costNanoUsd) return;
  for (const { id } of chain.accounts)
    spentByAccount.set(id, (spentByAccount.get(id) ?? 0n) + entry.costNanoUsd);
}

/**
 * Serializes amounts as JSON text, so no integer passes through a double. Building text instead of an object with
 * changing members is faster in V8.
 */
const toJson = (added: ReadonlyMap<string, bigint>) =>
  `{${Array.from(added, ([id, spent]) => `${JSON.stringify(id)}:"${spent}"`).join()}}`;

const insertInto = (table: string, columns: string) =>
  `INSERT INTO ${table} (${columns}) VALUES (${columns.replaceAll(/\w+/g, '?')}) ON CONFLICT DO NOTHING`;

/**
 * Parameters are bound by position, in the order of the rows' members. Binding by name takes a sixth of the writing
 * time.
 */
const STATEMENTS = {
  chain: insertInto('chains', 'id, key_hash, key_alias, user_id, team_id, organization_id, end_user_id'),
  posting: insertInto('postings', 'chain_id, account_id'),
  account: insertInto('accounts', 'id, scope_kind, scope_id, window_id, window_start, spent_nano_usd'),
  open: insertInto(
    'ledger_entries',
    `id, chain_id, state, bound_nano_usd, input_bound_nano_usd, request_id, call_type, model, deployment_id, provider, opened_at, request_tags, client_address, ${ORIGIN_COLUMNS.join(', ')}`,
  ),
  close: `UPDATE ledger_entries SET state = ?, mark = ?, cost_nano_usd = ?, usage = ?, answer_id = ?, clamp = ?, cost_terms = ?, closed_at = ?
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
  request.clientAddress ?? null,
  ...originValues(request.origin),
];

const closeRow = (entry: ClosedEntry): Row => [
  entry.state,
  entry.mark,
  entry.costNanoUsd,
  entry.usage && JSON.stringify(entry.usage),
  entry.answerId ?? null,
  entry.clamp ? JSON.stringify(entry.clamp) : null,
  entry.costTerms ? JSON.stringify(entry.costTerms) : null,
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
