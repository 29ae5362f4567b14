import {
  type CallSize,
  type Fee,
  feeOf,
  type ModelCapacity,
  type OutputSettings,
  tokenBound,
  unboundedIn,
} from './bound.js';
import type { NanoUsd } from './money.js';
import { boundNanoUsd, outputTokensWithin, type Price, type UsageBound } from './price.js';

/** How a call that does not fit as a whole may be made smaller. */
interface ClampSettings extends OutputSettings {
  /** `budget_clamp`: false lets a call pass as a whole or not at all. */
  readonly budgetClamp: boolean;
  /** `min_output_tokens`: fewer than these are not worth calling for, unless the caller itself asks for fewer. */
  readonly minOutputTokens: number;
  /** `default_hold_tokens`: as many one call may always hold while others' calls are open. */
  readonly defaultHoldTokens: number;
  /** `min_clamp_share`: a call with tools is cut to no less than this part of the output limit it names. */
  readonly minClampShare: number;
}

/** What a call would hold: at best, at least, and while others are at it too. */
export interface HoldDemand {
  readonly tokens: UsageBound;
  /** Everything the call may cost. */
  readonly wantedNanoUsd: NanoUsd;
  /** The smallest hold it would accept. */
  readonly minimumNanoUsd: NanoUsd;
  /** What one call may hold of an account that others hold of, however little is left. */
  readonly fairShareNanoUsd: NanoUsd;
  /** The part of each that the prompt alone costs. */
  readonly inputNanoUsd: NanoUsd;
  /** The prices all this was computed with: those in force when it was. */
  readonly ceiling: Price;
  /** The prompt could not be counted in time: by its tokens the call may fit where it does not by its bytes. */
  readonly isUncounted?: true;
  /** What the call may be billed for beyond the bound. Empty, or no budget would be safe. */
  readonly unbounded: readonly string[];
  /** … or what no price contains at all. */
  readonly fee?: Fee;
}

/** The one place where a call becomes amounts of money: decision, explanation and hold all start from here. */
export function demandFor(
  size: CallSize,
  limits: ModelCapacity,
  ceiling: Price,
  settings: ClampSettings,
): HoldDemand {
  const tokens = tokenBound(size, limits, settings);
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
    minimumNanoUsd:
      settings.budgetClamp && !size.isWhole
        ? atMost(leastWorthCalling(size, tokens, settings))
        : wantedNanoUsd,
    fairShareNanoUsd: size.isWhole ? wantedNanoUsd : atMost(settings.defaultHoldTokens),
    inputNanoUsd: costOf(0),
    ceiling,
    unbounded: unboundedIn(size, ceiling),
    ...(fee && { fee }),
    ...(size.isUncounted && { isUncounted: true as const }),
  };
}

/**
 * Returns how many tokens an answer must be allowed, so that the call is worth making. A model with tools writes files and
 * arguments, which are worth nothing cut short: the client would only ask again.
 */
function leastWorthCalling(size: CallSize, { outputTokens }: UsageBound, settings: ClampSettings): number {
  if (!size.hasTools) return settings.minOutputTokens;
  if (size.outputTokens === undefined) return settings.defaultHoldTokens;
  return Math.ceil((outputTokens / (size.copies * size.prompts)) * settings.minClampShare);
}

/** How many tokens each answer may have when only `grantedNanoUsd` was held of what was wanted. */
export function outputTokensFor(
  grantedNanoUsd: NanoUsd,
  { tokens, ceiling }: HoldDemand,
  size: CallSize,
): number {
  return Math.floor(outputTokensWithin(grantedNanoUsd, tokens, ceiling) / (size.copies * size.prompts));
}
