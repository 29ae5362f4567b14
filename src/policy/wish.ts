import {
  type CallSize,
  type Fee,
  feeOf,
  type ModelLimits,
  type TokenBound,
  tokenBound,
  unboundedIn,
} from './bound.js';
import type { NanoUsd } from './money.js';
import { boundNanoUsd, outputTokensWithin, type Price } from './price.js';

/** How a call that does not fit as a whole may be made smaller. */
interface ClampSettings {
  /** `budget_clamp`: false lets a call pass as a whole or not at all. */
  readonly budgetClamp: boolean;
  /** `min_output_tokens`: fewer than these are not worth calling for, unless the caller itself asks for fewer. */
  readonly minOutputTokens: number;
  /** `default_hold_tokens`: as many one call may always hold while others' calls are open. */
  readonly defaultHoldTokens: number;
}

/** What a call would hold: at best, at least, and while others are at it too. */
export interface Wish {
  readonly tokens: TokenBound;
  /** Everything the call may cost. */
  readonly wantedNanoUsd: NanoUsd;
  /** The smallest hold it would accept. */
  readonly minimumNanoUsd: NanoUsd;
  /** What one call may hold of an account that others hold of, however little is left. */
  readonly fairNanoUsd: NanoUsd;
  /** The part of each that the prompt alone costs. */
  readonly inputNanoUsd: NanoUsd;
  /** The prices all this was computed with: those in force when it was. */
  readonly ceiling: Price;
  /** What the call may be billed for beyond the bound. Empty, or no budget would be safe. */
  readonly unbounded: readonly string[];
  /** … or what no price contains at all. */
  readonly fee?: Fee;
}

/** The one place where a call becomes amounts of money: decision, explanation and hold all start from here. */
export function wishFor(size: CallSize, limits: ModelLimits, ceiling: Price, settings: ClampSettings): Wish {
  const tokens = tokenBound(size, limits);
  const fee = feeOf(size, limits, ceiling);
  const answers = size.copies * size.prompts;
  const costOf = (outputTokens: number) => boundNanoUsd(tokens, ceiling, outputTokens);
  const { leastOutputTokens: least = 0 } = size;
  const wantedNanoUsd = costOf(tokens.outputTokens);
  const atMost = (tokensEach: number) => {
    const outputTokens = Math.max(tokensEach, least) * answers;
    return outputTokens < tokens.outputTokens ? costOf(outputTokens) : wantedNanoUsd;
  };
  return {
    tokens,
    wantedNanoUsd,
    minimumNanoUsd: settings.budgetClamp && !size.isWhole ? atMost(settings.minOutputTokens) : wantedNanoUsd,
    fairNanoUsd: size.isWhole ? wantedNanoUsd : atMost(settings.defaultHoldTokens),
    inputNanoUsd: costOf(0),
    ceiling,
    unbounded: unboundedIn(size, ceiling),
    ...(fee && { fee }),
  };
}

/** How many tokens each answer may have when only `grantedNanoUsd` was held of what was wanted. */
export function outputTokensFor(grantedNanoUsd: NanoUsd, { tokens, ceiling }: Wish, size: CallSize): number {
  return Math.floor(outputTokensWithin(grantedNanoUsd, tokens, ceiling) / (size.copies * size.prompts));
}
