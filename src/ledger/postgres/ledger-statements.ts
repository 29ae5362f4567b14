import { Injectable } from '@nestjs/common';
import type { CacheKey } from '../../cache/change-epochs.js';
import { type BillingChain } from '../billing-chain.js';
import { chainRow, postingRows } from '../billing-chain-rows.js';
import { type CallOrigin, ORIGIN_COLUMNS, originValues } from '../call-origin.js';
import type { ClosedEntry, HoldRequest } from '../spend.service.js';
import { LedgerConnection } from './ledger-connection.js';

/** The request of one call for money. */
export interface HoldCommand {
  readonly id: string;
  readonly request: HoldRequest;
  /** True if the call waits no longer: it takes what fits or is refused. */
  readonly isLastTry: boolean;
  /** The end of the entry whose hold this one replaces. */
  readonly ending?: ClosedEntry | undefined;
}

/** An account that lacked room, with its balance at that moment. */
export interface BlockingAccount {
  readonly accountId: string;
  readonly spent: bigint;
  readonly held: bigint;
}

export type HoldReply =
  | { readonly kind: 'granted'; readonly amount: bigint }
  /**
   * Stale facts (`outdated`), a prompt that must be counted first (`uncounted`), or a hold that is over already
   * (`closed`).
   */
  | { readonly kind: 'outdated' | 'uncounted' | 'closed' }
  /** Other calls' holds leave too little (`short`), or the call gets nothing (`refused`). */
  | { readonly kind: 'short' | 'refused'; readonly blockedBy: readonly BlockingAccount[] };

export interface HoldOutcome {
  /** In the order of the commands. */
  readonly replies: readonly HoldReply[];
  /** Rows that changed since the facts of the commands were read. */
  readonly changedKeys: readonly CacheKey[];
  /** Balances of the accounts with a limit, after the statement. */
  readonly balances: readonly BlockingAccount[];
}

interface HoldFunctionResult {
  readonly answers: readonly {
    readonly kind: HoldReply['kind'];
    readonly amount?: string;
    readonly by?: readonly { readonly at: number; readonly spent: string; readonly held: string }[];
  }[];
  readonly moved: readonly number[];
  readonly spent: readonly string[];
  readonly held: readonly (string | null)[];
}

/** Calls the SQL functions that move money (sql/). Amounts travel as text. */
@Injectable()
export class LedgerStatements {
  constructor(private readonly connection: LedgerConnection) {}

  /**
   * Holds money for all `commands`, in their order, in one transaction. `isRetry`: an earlier try may have been
   * committed. Either every command replaces a hold or none does.
   */
  async hold(replicaId: string, commands: readonly HoldCommand[], isRetry: boolean): Promise<HoldOutcome> {
    const accounts = new Positions();
    const subjects = new Positions();
    const revisions: number[] = [];
    const chains = new Set<BillingChain>();
    const requests = commands.map(({ id, isLastTry, request, ending }) => {
      const { chain, budgets, demand } = request;
      for (const account of request.replaces?.hold.chain.accounts ?? []) accounts.positionOf(account.id);
      if (!chain.stored) chains.add(chain);
      const limits = new Map(budgets.map(({ account, limitNanoUsd }) => [account.id, limitNanoUsd]));
      return {
        id,
        last: isLastTry,
        ...(ending && { ends: closedRow(ending) }),
        chain: chain.id,
        countable: request.canBeRecounted,
        at: chain.accounts.map((account) => accounts.positionOf(account.id)),
        limits: chain.accounts.map((account) => limits.get(account.id)?.toString() ?? null),
        wanted: demand.wantedNanoUsd.toString(),
        minimum: demand.minimumNanoUsd.toString(),
        fair: demand.fairShareNanoUsd.toString(),
        input_bound: request.inputBoundNanoUsd.toString(),
        subjects: Array.from(request.factRevisions, ([subject, revision]) => {
          // Two callers may have read one row at two revisions.
          const at = subjects.positionOf(`${revision}/${subject}`);
          revisions[at - 1] = revision;
          return at;
        }),
        request_id: request.requestId,
        call_type: request.callType,
        model: request.model,
        deployment_id: request.deploymentId,
        provider: request.provider,
        client_address: request.clientAddress,
        ...(request.origin && originRow(request.origin)),
        ...(request.tags.length && { request_tags: JSON.stringify(request.tags) }),
      };
    });
    const subjectNames = subjects.names.map((name) => name.slice(name.indexOf('/') + 1));
    const verb = commands[0]?.ending ? 'pass' : 'hold';
    const [{ outcome }] = (await this.connection.call<{ outcome: HoldFunctionResult }>(
      verb,
      `SELECT tollgate_${verb}($1, $2, $3, $4, $5, $6, $7, $8) AS outcome`,
      [
        replicaId,
        isRetry,
        accounts.names,
        subjectNames,
        revisions,
        JSON.stringify([...chains].map(chainRow)),
        JSON.stringify([...chains].flatMap(postingRows)),
        JSON.stringify(requests),
      ],
    )) as [{ outcome: HoldFunctionResult }];
    for (const chain of chains) chain.stored = true;
    return {
      replies: outcome.answers.map(({ kind, amount, by = [] }) =>
        kind === 'granted'
          ? { kind, amount: BigInt(amount!) }
          : kind === 'short' || kind === 'refused'
            ? {
                kind,
                blockedBy: by.map(({ at, spent, held }) => ({
                  accountId: accounts.names[at - 1]!,
                  spent: BigInt(spent),
                  held: BigInt(held),
                })),
              }
            : { kind },
      ),
      changedKeys: outcome.moved.map((at) => subjectNames[at - 1]!),
      balances: accounts.names.flatMap((accountId, i) => {
        const heldAmount = outcome.held[i];
        return heldAmount == null
          ? []
          : [{ accountId, held: BigInt(heldAmount), spent: BigInt(outcome.spent[i]!) }];
      }),
    };
  }

  /** Closes entries and moves their money, all or none. A repeated call changes nothing. */
  async settle(entries: readonly ClosedEntry[]): Promise<void> {
    await this.connection.call('settle', 'SELECT tollgate_settle($1)', [
      JSON.stringify(entries.map(closedRow)),
    ]);
  }
}

const closedRow = ({ id, state, mark, costNanoUsd, usage, clamp, answerId, costTerms }: ClosedEntry) => ({
  id,
  state,
  mark,
  cost: costNanoUsd.toString(),
  usage: usage && JSON.stringify(usage),
  answer_id: answerId,
  clamp: clamp && JSON.stringify(clamp),
  cost_terms: costTerms && JSON.stringify(costTerms),
});

const originRow = (origin: CallOrigin) => {
  const values = originValues(origin);
  return Object.fromEntries(ORIGIN_COLUMNS.map((column, i) => [column, values[i]]));
};

/** Distinct names and the position of each. Positions start at 1, as in arrays of PostgreSQL. */
class Positions {
  readonly names: string[] = [];
  private readonly at = new Map<string, number>();

  positionOf(name: string): number {
    let at = this.at.get(name);
    if (at === undefined) this.at.set(name, (at = this.names.push(name)));
    return at;
  }
}
