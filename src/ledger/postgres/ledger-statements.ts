import { Injectable } from '@nestjs/common';
import type { CacheKey } from '../../cache/change-epochs.js';
import { type BillingChain } from '../billing-chain.js';
import { chainRow, postingRows } from '../billing-chain-rows.js';
import type { ClosedEntry, HoldRequest } from '../spend.service.js';
import { LedgerConnection } from './ledger-connection.js';

/** One call that asks for money. */
export interface HoldCommand {
  readonly id: string;
  readonly request: HoldRequest;
  /** It waits no longer: it takes what fits, or is refused. */
  readonly last: boolean;
  /** How the entry ends whose hold this one takes the place of. */
  readonly ending?: ClosedEntry | undefined;
}

/** An account as it was when it stood in the way. */
export interface BlockingAccount {
  readonly accountId: string;
  readonly spent: bigint;
  readonly held: bigint;
}

export type HoldAnswer =
  | { readonly kind: 'granted'; readonly amount: bigint }
  /** What its facts were read from has changed, or its prompt has to be counted first, or its hold is over already. */
  | { readonly kind: 'outdated' | 'uncounted' | 'closed' }
  /** Others' holds are in the way (`short`), or it gets nothing (`refused`). */
  | { readonly kind: 'short' | 'refused'; readonly by: readonly BlockingAccount[] };

export interface HoldOutcome {
  /** In the order of the asks. */
  readonly answers: readonly HoldAnswer[];
  /** Rows that changed since the asks' facts were read. */
  readonly moved: readonly CacheKey[];
  /** The balances of accounts with a limit, after the statement. */
  readonly balances: readonly BlockingAccount[];
}

interface Told {
  readonly answers: readonly {
    readonly kind: HoldAnswer['kind'];
    readonly amount?: string;
    readonly by?: readonly { readonly at: number; readonly spent: string; readonly held: string }[];
  }[];
  readonly moved: readonly number[];
  readonly spent: readonly string[];
  readonly held: readonly (string | null)[];
}

/** Calls the functions that move money on PostgreSQL (sql/). Amounts travel as text. */
@Injectable()
export class LedgerStatements {
  constructor(private readonly connection: LedgerConnection) {}

  /**
   * Holds for all of `asks`, in their order, in one transaction. `again`: an earlier try may have been committed. Either
   * all of them take the place of another hold or none does.
   */
  async hold(replicaId: string, asks: readonly HoldCommand[], again: boolean): Promise<HoldOutcome> {
    const accounts = new Positions();
    const subjects = new Positions();
    const revisions: number[] = [];
    const chains = new Set<BillingChain>();
    const requests = asks.map(({ id, last, request, ending }) => {
      const { chain, budgets, demand } = request;
      for (const account of request.replaces?.hold.chain.accounts ?? []) accounts.of(account.id);
      if (!chain.stored) chains.add(chain);
      const limits = new Map(budgets.map(({ account, limitNanoUsd }) => [account.id, limitNanoUsd]));
      return {
        id,
        last,
        ...(ending && { ends: closedRow(ending) }),
        chain: chain.id,
        countable: request.canBeRecounted,
        at: chain.accounts.map((account) => accounts.of(account.id)),
        limits: chain.accounts.map((account) => limits.get(account.id)?.toString() ?? null),
        wanted: demand.wantedNanoUsd.toString(),
        minimum: demand.minimumNanoUsd.toString(),
        fair: demand.fairShareNanoUsd.toString(),
        input_bound: request.inputBoundNanoUsd.toString(),
        subjects: Array.from(request.factRevisions, ([subject, revision]) => {
          // Two callers may know one row at two revisions.
          const at = subjects.of(`${revision}/${subject}`);
          revisions[at - 1] = revision;
          return at;
        }),
        request_id: request.requestId,
        call_type: request.callType,
        model: request.model,
        deployment_id: request.deploymentId,
        provider: request.provider,
        ...(request.tags.length && { request_tags: JSON.stringify(request.tags) }),
      };
    });
    const subjectNames = subjects.names.map((name) => name.slice(name.indexOf('/') + 1));
    const verb = asks[0]?.ending ? 'pass' : 'hold';
    const [{ told }] = (await this.connection.call<{ told: Told }>(
      verb,
      `SELECT tollgate_${verb}($1, $2, $3, $4, $5, $6, $7, $8) AS told`,
      [
        replicaId,
        again,
        accounts.names,
        subjectNames,
        revisions,
        JSON.stringify([...chains].map(chainRow)),
        JSON.stringify([...chains].flatMap(postingRows)),
        JSON.stringify(requests),
      ],
    )) as [{ told: Told }];
    for (const chain of chains) chain.stored = true;
    return {
      answers: told.answers.map(({ kind, amount, by = [] }) =>
        kind === 'granted'
          ? { kind, amount: BigInt(amount!) }
          : kind === 'short' || kind === 'refused'
            ? {
                kind,
                by: by.map(({ at, spent, held }) => ({
                  accountId: accounts.names[at - 1]!,
                  spent: BigInt(spent),
                  held: BigInt(held),
                })),
              }
            : { kind },
      ),
      moved: told.moved.map((at) => subjectNames[at - 1]!),
      balances: accounts.names.flatMap((accountId, i) => {
        const held = told.held[i];
        return held == null ? [] : [{ accountId, held: BigInt(held), spent: BigInt(told.spent[i]!) }];
      }),
    };
  }

  /** Closes entries and moves their money, all or none. Doing it twice changes nothing. */
  async settle(entries: readonly ClosedEntry[]): Promise<void> {
    await this.connection.call('settle', 'SELECT tollgate_settle($1)', [
      JSON.stringify(entries.map(closedRow)),
    ]);
  }
}

const closedRow = ({ id, state, mark, costNanoUsd, usage }: ClosedEntry) => ({
  id,
  state,
  mark,
  cost: costNanoUsd.toString(),
  usage: usage && JSON.stringify(usage),
});

/** Names, each once, and where it stands: from 1, as arrays of PostgreSQL count. */
class Positions {
  readonly names: string[] = [];
  private readonly at = new Map<string, number>();

  of(name: string): number {
    let at = this.at.get(name);
    if (at === undefined) this.at.set(name, (at = this.names.push(name)));
    return at;
  }
}
