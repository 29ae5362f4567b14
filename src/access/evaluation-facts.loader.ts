import { Injectable } from '@nestjs/common';
import { RateLimits } from '../rate-limits/rate-limits.js';
import type { MaybePromise } from '../platform/maybe-promise.js';
import { Accounts } from '../ledger/accounts.js';
import type { AccessRequest } from './access-request.js';
import type { CallerSnapshot } from './callers/caller.js';
import { CallerCache } from './callers/caller-cache.js';
import { CallerReader } from './callers/caller-reader.js';
import { FactsLoader, type LoadedFacts } from './facts.loader.js';

/**
 * Subject of a question. A key is named by its hash. A user, team or end user stands for a key without limits of its own.
 */
interface Subject {
  readonly type: 'key' | 'user' | 'team' | 'end_user';
  readonly id: string;
}

/** Loads the facts of calls that an evaluation asks about, with current balances and rates. Changes nothing. */
@Injectable()
export class EvaluationFactsLoader {
  constructor(
    private readonly loader: FactsLoader,
    private readonly callers: CallerCache,
    private readonly reader: CallerReader,
    private readonly accounts: Accounts,
    private readonly rateLimits: RateLimits,
  ) {}

  /** Loads the facts of a call that a subject might make. */
  async ofSubject(
    subject: Subject,
    request: Omit<AccessRequest, 'presented' | 'isDryRun'>,
  ): Promise<LoadedFacts> {
    const caller = await this.callerOf(subject);
    if (!caller) return this.loader.unauthenticatedFacts(request.route, { kind: 'unknown', hint: 'sk-...' });
    const load = () => this.loader.ofCaller({ ...request, isDryRun: true }, caller);
    return this.withCurrentFigures(await load(), load);
  }

  /** Loads the facts of a call with this token. */
  async ofToken(secret: string, request: Omit<AccessRequest, 'presented'>): Promise<LoadedFacts> {
    const load = () =>
      this.loader.load({ ...request, isDryRun: true, presented: { kind: 'presented', secret } });
    return this.withCurrentFigures(await load(), load);
  }

  /** Returns the stored hash of a key, given the hash of any valid secret of it; undefined if there is no such key. */
  async keyHashOf(hash: string): Promise<string | undefined> {
    return (await this.callers.ofKey(hash))?.names.keyHash ?? undefined;
  }

  /** Adds the balances and rates that a call only learns at its hold. `reload` loads the same facts again. */
  async withCurrentFigures(
    loaded: LoadedFacts,
    reload: () => MaybePromise<LoadedFacts>,
  ): Promise<LoadedFacts> {
    const { billingContext, rates = [] } = loaded;
    if (billingContext && !this.accounts.areBalances) {
      await this.accounts.refresh(billingContext.chain.accounts);
      loaded = await reload();
    }
    const facts = { ...loaded.facts, balances: 'known' as const };
    if (this.rateLimits.areInMemory || !rates.length) return { ...loaded, facts };
    return { ...loaded, facts: { ...facts, rates: await this.rateLimits.measure(rates) } };
  }

  private async callerOf({ type, id }: Subject): Promise<CallerSnapshot | undefined> {
    if (type === 'key') return this.callers.ofKey(id);
    return this.reader.withoutOwnLimits({
      ...(type === 'user' && { userId: id }),
      ...(type === 'team' && { teamId: id }),
    });
  }
}
