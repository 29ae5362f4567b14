import type { LlmRequest } from '../access/llm-request.js';
import { type Deployment, secretsOf } from '../models/deployment.js';
import { estimatedTokens } from '../call-types/reported-usage.js';
import { withSearchFees } from '../call-types/search-fees.js';
import { showsItsPrompt } from '../policy/bound.js';
import { type NanoUsd, nanoUsd, usdFromNanoUsd } from '../policy/money.js';
import { priceAt } from '../policy/off-peak.js';
import { costNanoUsd, type Price, type Usage, withoutBill } from '../policy/price.js';
import { costByTerms, numberOfShare } from '../policy/price-terms.js';
import { ZERO_NANO_USD } from '../policy/money.js';
import type { Hold, SpendService } from '../ledger/spend.service.js';
import type { EntryMark } from '../ledger/ledger-entry.entity.js';
import { SettlementTimeoutError } from './upstream/upstream-error.js';
import type { Call } from './call.js';

/** The output that a hold pays for. */
export interface OutputTokens {
  /** Maximum of all answers together. */
  readonly atMost: number;
  /** Tokens of prompt and answers that the hold pays for. Absent if nothing was held. */
  readonly paidTokens?: Pick<Usage, 'inputTokens' | 'outputTokens'>;
  /** Output limit to send upstream, for each answer, and the member that carries it. Absent if no budget applies. */
  readonly limit?: { readonly member: string; readonly tokens: number };
  /** Searches of each tool for which the client names no limit. It is sent upstream. */
  readonly searches?: number;
  /** The limit, if it is lower than the client's limit or than what the model usually writes. */
  readonly clampedTo?: number;
}

/** Usage that a provider reported, up to now. */
export interface ReportedSoFar {
  readonly usage: Usage | undefined;
  /** True if more usage is expected. */
  readonly usageIsPartial: boolean;
}

/** One try at one deployment, with its money held. */
export class Attempt {
  private mark: EntryMark | null = 'unconfirmed';
  /** True once the client's own timeout is over. The response is read to its usage and billed, and the client gets none of it. */
  isDetached = false;
  /** The two APIs of a translated call, as the header of the answer says them. Undefined if bytes pass. */
  translation: string | undefined = undefined;
  /** The usage that the provider of a translated call reported. Undefined if bytes pass: the answer then has it. */
  reported: ReportedSoFar | undefined = undefined;
  /** The cost, once the attempt is billed. */
  billedNanoUsd: NanoUsd = ZERO_NANO_USD;

  constructor(
    readonly call: Call,
    /** The call as this deployment gets it. */
    readonly llm: LlmRequest,
    readonly deployment: Deployment,
    readonly output: OutputTokens,
    readonly hold: Hold,
    /** True if the gateway asks for the stream's usage, because the client did not. */
    readonly addsUsageOption: boolean,
    private readonly spend: SpendService,
    private readonly settleTimeoutMs: number,
  ) {}

  /** The price of the deployment at the time of the hold. */
  get price(): Price | undefined {
    const { price } = this.deployment;
    return price?.offPeak ? priceAt(price, timeOfId(this.hold.id)) : price;
  }

  /** Returns the cost of a usage from `billable` at this deployment. It is zero if neither a price nor a bill is known. */
  cost(usage: Usage): NanoUsd {
    const { price } = this;
    if (this.llm.size.isFree) return ZERO_NANO_USD;
    if (price) return costNanoUsd(usage, price);
    return usage.billNanoUsd === undefined ? ZERO_NANO_USD : nanoUsd(BigInt(usage.billNanoUsd));
  }

  /**
   * Returns a usage with the fees of its searches, and without a bill that does not count: of another provider's form, or for a
   * price that the operator wrote.
   */
  billable(reported: Usage): Usage {
    const { price } = this;
    const { provider } = this.deployment;
    const usage = withSearchFees(reported, provider, price, this.llm.size.searchContext);
    if (usage.billNanoUsd === undefined) return usage;
    return usage.billedBy === provider && !price?.isConfigured ? usage : withoutBill(usage);
  }

  /** Returns what an administrator should know of a usage that the upstream reported: a bill that differs, or unread counts. */
  private remark(usage: Usage, cost: NanoUsd): EntryMark | null {
    const { price } = this;
    if (usage.billNanoUsd !== undefined && price) {
      const difference = costNanoUsd(withoutBill(usage), price) - cost;
      if (difference > 1n || difference < -1n) return 'provider_bill';
    }
    return usage.unreadCounts ? 'unread_counts' : null;
  }

  /**
   * Estimates the prompt's tokens for a response without usage. Counts the bytes if they show the whole prompt.
   * Otherwise returns all tokens that the hold pays for. Web search results do not show either once the client has left.
   */
  estimatedInput(clientLeft = false): Pick<Usage, 'inputTokens' | 'inputAudioTokens'> {
    const { size } = this.llm;
    const { paidTokens } = this.output;
    if (
      !paidTokens ||
      (showsItsPrompt(size) && !(clientLeft && (size.webSearches || size.uncappedSearchTools)))
    )
      return { inputTokens: estimatedTokens(size.inputBytes) };
    const { inputTokens } = paidTokens;
    return { inputTokens, ...(size.hearsSound && { inputAudioTokens: inputTokens }) };
  }

  /**
   * Bills the usage. Resolves when that is committed. Throws `SettlementTimeoutError` if the commit takes too long; the
   * settlement then goes on in the background.
   */
  settle(reported: Usage, mark: EntryMark | null = null): Promise<NanoUsd> {
    const usage = this.billable(reported);
    const cost = mark === null || mark === 'failed' ? this.cost(usage) : this.estimatedCost(usage);
    this.billedNanoUsd = cost;
    this.call.usedTokens += usage.inputTokens + usage.outputTokens;
    this.recordTerms(cost, usage);
    // Nothing is held for a model without a price, so its bill is no overrun.
    const isUnpriced = usage.billNanoUsd !== undefined && !this.deployment.price && cost > 0n;
    const settled = this.spend.settle(
      this.hold,
      cost,
      usage,
      mark ?? (isUnpriced ? 'provider_bill' : null),
      this.remark(usage, cost),
    );
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new SettlementTimeoutError()), this.settleTimeoutMs);
      void settled.then(() => {
        clearTimeout(timer);
        resolve(cost);
      }, reject);
    });
  }

  /** Gives the entry the discount and margin in force, if there are any. */
  private recordTerms(cost: NanoUsd, usage: Usage): void {
    const list = this.deployment.price?.list;
    if (!list || this.llm.size.isFree) return;
    const { discount, margin, fixedNanoUsd } = list.terms;
    const { listNanoUsd, discountNanoUsd, marginNanoUsd } = costByTerms(cost, usage, list);
    this.hold.costTerms = {
      discount: numberOfShare(discount),
      margin: numberOfShare(margin),
      fixed_usd: usdFromNanoUsd(fixedNanoUsd),
      list_usd: usdFromNanoUsd(listNanoUsd),
      discount_usd: usdFromNanoUsd(discountNanoUsd),
      margin_usd: usdFromNanoUsd(marginNanoUsd),
    };
  }

  /** Returns the cost of an estimated usage. It is at most the hold's bound, if the call cannot exceed the bound. */
  private estimatedCost(usage: Usage): NanoUsd {
    const cost = this.cost(usage);
    const { boundNanoUsd, mayExceedBound } = this.hold;
    return boundNanoUsd && !mayExceedBound && cost > boundNanoUsd ? boundNanoUsd : cost;
  }

  /** Sets the `id` of the answer, before its settlement. An id with a credential of the deployment is left out. */
  set answerId(id: string | undefined) {
    if (id === undefined) return;
    if (
      !secretsOf(this.deployment).some(
        (secret) => secret.length <= id.length && id.includes(secret.toString()),
      )
    )
      this.hold.answerId = id;
  }

  /** Records that the upstream provably produced nothing. Otherwise the ledger entry is marked as unconfirmed. */
  producedNothing(): void {
    this.mark = null;
  }

  /** The hold that the next attempt replaces. Undefined if this attempt is billed already, or still under way. */
  get unbilled(): { readonly hold: Hold; readonly mark: EntryMark | null } | undefined {
    return this.hold.closing || this.isDetached ? undefined : { hold: this.hold, mark: this.mark };
  }

  /** Settles or releases the hold, unless that was done. Resolves when that is committed. */
  async close(): Promise<void> {
    if (this.hold.closing) return;
    if (this.mark) await this.spend.settle(this.hold, ZERO_NANO_USD, null, this.mark);
    else await this.spend.release(this.hold);
  }
}

const TIME_DIGITS = 12;

/** Returns the epoch milliseconds in a UUID of version 7. */
const timeOfId = (id: string) => Number.parseInt(id.replaceAll('-', '').slice(0, TIME_DIGITS), 16);
