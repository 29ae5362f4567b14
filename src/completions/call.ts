import type { FastifyReply } from 'fastify';
import type { CallAccess } from '../access/call-access.js';
import type { LlmRequest } from '../access/llm-request.js';
import type { RateLimit, RateLimitLease } from '../rate-limits/rate-limits.js';
import type { Deployment } from '../models/deployment.js';
import { estimatedTokens } from '../call-types/reported-usage.js';
import { showsItsPrompt } from '../policy/bound.js';
import type { NanoUsd } from '../policy/money.js';
import { costNanoUsd, type Usage } from '../policy/price.js';
import { ZERO_NANO_USD } from '../policy/money.js';
import type { Hold, SpendService } from '../ledger/spend.service.js';
import type { EntryMark } from '../ledger/ledger-entry.entity.js';
import { SettlementTimeoutError } from './upstream/upstream-error.js';

/** A client's call, from the guards to its last byte. */
export interface Call {
  readonly requestId: string;
  /** What is known of its caller; renewed when that turns out to be old. */
  access: CallAccess;
  readonly llm: LlmRequest;
  /** The gates it came through, this one last. */
  readonly via: string;
  /** The rate limits that count for the model asked for … */
  readonly limits: readonly RateLimit[];
  /** … and its place in them. */
  readonly lease: RateLimitLease;
  /** How many attempts went upstream. */
  sent: number;
  /** Tokens used so far, by all attempts. */
  usedTokens: number;
  /** Those of them that do not count on the limits of the model asked for. */
  tokensOfOtherModels: number;
  /** What the answers of the last attempt were cut to; undefined where they were not. */
  clampedTo?: number | undefined;
  readonly reply: FastifyReply;
  readonly startedAt: number;
}

/** How much of an answer a hold pays for. */
export interface OutputTokens {
  /** Of all answers together. */
  readonly atMost: number;
  /** The tokens that were held for, prompt and answers; absent where nothing was held. */
  readonly held?: Pick<Usage, 'inputTokens' | 'outputTokens'>;
  /** The limit of each answer the upstream is told, and in which member; absent where no budget applies. */
  readonly limit?: { readonly member: string; readonly tokens: number };
  /** Set where that is lower than what was asked for, or than what the model may well write. */
  readonly clampedTo?: number;
}

/** One try at one deployment, its money held. */
export class Attempt {
  private mark: EntryMark | null = 'unconfirmed';

  constructor(
    readonly call: Call,
    readonly deployment: Deployment,
    readonly output: OutputTokens,
    readonly hold: Hold,
    /** The gate asks for the stream's usage, because the client did not. */
    readonly asksForUsage: boolean,
    private readonly spend: SpendService,
    private readonly settleTimeoutMs: number,
  ) {}

  /** What this usage costs here; nothing where no price is known. */
  cost(usage: Usage): NanoUsd {
    const { price } = this.deployment;
    return price && !this.call.llm.size.isFree ? costNanoUsd(usage, price) : ZERO_NANO_USD;
  }

  /**
   * The prompt, where nobody says what it took: by the bytes that show it, or else all that was held for. A client that left
   * does not see either what a search of the web found.
   */
  estimatedInput(clientLeft = false): Pick<Usage, 'inputTokens' | 'inputAudioTokens'> {
    const { size } = this.call.llm;
    const { held } = this.output;
    if (!held || (showsItsPrompt(size) && !(clientLeft && size.webSearches)))
      return { inputTokens: estimatedTokens(size.inputBytes) };
    const { inputTokens } = held;
    return { inputTokens, ...(size.hearsSound && { inputAudioTokens: inputTokens }) };
  }

  /** Bills what was used. Resolves when that is committed; throws `SettlementTimeoutError` when it takes too long (it goes on). */
  settle(usage: Usage, mark: EntryMark | null = null): Promise<NanoUsd> {
    const cost = mark === null ? this.cost(usage) : this.estimatedCost(usage);
    this.call.usedTokens += usage.inputTokens + usage.outputTokens;
    const settled = this.spend.settle(this.hold, cost, usage, mark);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new SettlementTimeoutError()), this.settleTimeoutMs);
      void settled.then(() => {
        clearTimeout(timer);
        resolve(cost);
      }, reject);
    });
  }

  /** What nobody counted is never more than what was held for it, where that was all it could be. */
  private estimatedCost(usage: Usage): NanoUsd {
    const cost = this.cost(usage);
    const { boundNanoUsd, mayExceedBound } = this.hold;
    return boundNanoUsd && !mayExceedBound && cost > boundNanoUsd ? boundNanoUsd : cost;
  }

  /** Provably nothing was produced. Without this something may have been, and nobody says what: its entry says so. */
  producedNothing(): void {
    this.mark = null;
  }

  /** What the next attempt may hold instead; undefined when this one is billed already. */
  get unbilled(): { readonly hold: Hold; readonly mark: EntryMark | null } | undefined {
    return this.hold.closing ? undefined : { hold: this.hold, mark: this.mark };
  }

  /** However it ended, its money is settled or given back. Resolves when that is committed. */
  async close(): Promise<void> {
    if (this.hold.closing) return;
    if (this.mark) await this.spend.settle(this.hold, ZERO_NANO_USD, null, this.mark);
    else await this.spend.release(this.hold);
  }
}
