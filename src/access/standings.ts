import { Inject, Injectable } from '@nestjs/common';
import { BoundedMaps } from '../cache/bounded-maps.js';
import { CLOCK, type Clock } from '../clock.js';
import { CONFIG, type Config } from '../config/config.js';
import type { ModelFacts } from '../policy/facts.js';
import { Accounts } from '../spend/accounts.js';
import type { CallerSnapshot, PartySpec, Snapshot } from './caller.js';
import { Callers, eachOnce } from './callers.js';
import type { LlmRequest } from './llm-request.js';
import { makeStanding, placeBudgets, type Standing } from './standing.js';

/** Of all callers together: a client may name any number of end users, with each of its keys. */
const MAX_KEPT = 100_000;

/** Who else stands behind a call because it says so. */
export type Named = Pick<LlmRequest, 'endUserId' | 'tags'>;

/** Who pays for a call, and from what: made once per caller and whom its calls name, and kept until a window closes or a row changes. */
@Injectable()
export class Standings {
  private readonly kept = new BoundedMaps<Standing>(MAX_KEPT);

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly callers: Callers,
    private readonly accounts: Accounts,
  ) {}

  /** Who pays for a call of this model, and from what; without a promise when it is in memory. */
  of(
    caller: CallerSnapshot,
    named: Named,
    model: ModelFacts | undefined,
    isDry = false,
  ): Standing | Promise<Standing> {
    const now = this.clock();
    return this.inMemory(caller, named, model, now) ?? this.load(caller, named, model, now, isDry);
  }

  /** Are these still the windows that are open, the limits of this hour, and the accounts in memory? */
  isOpen({ until, accountsGeneration }: Standing, now = this.clock()): boolean {
    return now.getTime() < until && accountsGeneration === this.accounts.generation;
  }

  private inMemory(
    caller: CallerSnapshot,
    named: Named,
    model: ModelFacts | undefined,
    now: Date,
  ): Standing | undefined {
    const { endUserId } = named;
    const endUser = endUserId === undefined ? undefined : this.callers.endUserInMemory(endUserId);
    const tags = this.callers.tagsInMemory(tagsOfCall(caller, named));
    const modelNames = budgetedNames(model, [caller, ...(endUser ? [endUser] : []), ...(tags ?? [])]);
    const standing = tags && caller.standings.get(standingKey(endUserId, tags, modelNames));
    const current =
      standing && this.isOpen(standing, now) && standing.named.every((one) => this.callers.isCurrent(one));
    return current ? standing : undefined;
  }

  private async load(
    caller: CallerSnapshot,
    named: Named,
    model: ModelFacts | undefined,
    now: Date,
    isDry: boolean,
  ): Promise<Standing> {
    const { endUserId } = named;
    const endUser = endUserId === undefined ? undefined : await this.callers.endUser(endUserId, isDry);
    const tags = await this.callers.tagged(tagsOfCall(caller, named));
    const snapshots = [...(endUser ? [endUser] : []), ...tags];
    const modelNames = budgetedNames(model, [caller, ...snapshots]);
    const last = caller.parties.length - 1;
    const parties = caller.parties.toSpliced(last, 0, ...snapshots.flatMap((one) => one.parties));
    const placed = parties
      .filter(({ exists, kind }) => exists || kind !== 'end_user')
      .map((party) => ({
        party,
        budgets:
          party.exists && party.kind !== 'token'
            ? placeBudgets(party, this.config.litellm.timezone, now, modelNames)
            : [],
      }));
    const accounts = await this.accounts.load(placed.flatMap(({ budgets }) => budgets));
    const standing = makeStanding(
      placed,
      new Map(accounts.map((account) => [account.id, account])),
      { endUserId: endUserId ?? null, ...caller.names },
      this.accounts.generation,
      caller,
      snapshots,
    );
    if (!isDry) this.kept.set(caller.standings, standingKey(endUserId, tags, modelNames), standing);
    return standing;
  }
}

/** The names of a model, where somebody has a budget for it alone; else none. */
function budgetedNames(model: ModelFacts | undefined, snapshots: readonly Snapshot[]): readonly string[] {
  if (!model) return NO_NAMES;
  const hasOne = ({ modelBudgets }: PartySpec) =>
    modelBudgets.size > 0 && (modelBudgets.has(model.requested) || modelBudgets.has(model.name));
  return snapshots.some(({ parties }) => parties.some(hasOne)) ? [model.requested, model.name] : NO_NAMES;
}

const NO_NAMES: readonly string[] = [];

/** A call's tags: the caller's own and those it names. */
export const tagsOfCall = ({ tags: own }: CallerSnapshot, { tags }: Named) =>
  tags.length ? eachOnce([...own, ...tags]) : own;

/**
 * No end user's id and no tag has the character that separates here. Tags without a row are left out: a client may
 * invent any number of them, and they change nothing.
 */
const standingKey = (endUserId = '', tags: readonly Snapshot[], modelNames: readonly string[]) =>
  tags.length || modelNames.length
    ? [endUserId, ...modelNames, '', ...tags.map(({ parties }) => parties[0]!.id)].join('\0')
    : endUserId;
