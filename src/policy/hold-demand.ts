import {
  type CallSize,
  type Fee,
  feeOf,
  type ModelCapacity,
  type OutputSettings,
  tokenBound,
  unboundedIn,
} from './bound.js';
import { type Ceiling, reachablePrice } from './ceiling.js';
import type { NanoUsd } from './money.js';
import { boundNanoUsd, outputTokensWithin, type PriceLevel, type UsageBound } from './price.js';

/** Settings for making a call smaller that does not fit whole. */
interface ClampSettings extends OutputSettings {
  /** `budget_clamp`: false lets a call pass whole or not at all. */
  readonly budgetClamp: boolean;
  /** `min_output_tokens`: a call is not cut to fewer, unless the caller asks for fewer. */
  readonly minOutputTokens: number;
  /** `default_hold_tokens`: one call may always hold this many while other calls are open. */
  readonly defaultHoldTokens: number;
  /** `min_clamp_share`: a call with tools is cut to no less than this share of the output limit it names. */
  readonly minClampShare: number;
}

/** The amounts a call would hold: wanted, minimum, and fair share beside other calls. */
export interface HoldDemand {
  readonly tokens: UsageBound;
  /** Everything the call may cost. */
  readonly wantedNanoUsd: NanoUsd;
  /** The smallest hold that the call accepts. */
  readonly minimumNanoUsd: NanoUsd;
  /** The most one call holds of an account that other calls hold on, however little is left. */
  readonly fairShareNanoUsd: NanoUsd;
  /** The part of each amount that the prompt alone costs. */
  readonly inputNanoUsd: NanoUsd;
  /** Responses that share the output tokens. */
  readonly answers: number;
  /** The prices in force when the amounts were made. */
  readonly ceiling: Ceiling;
  /** The highest of them that the call can reach: the amounts are made of these. */
  readonly reachable: PriceLevel;
  /** The prompt could not be counted in time. By its tokens the call may fit where it does not by its bytes. */
  readonly isUncounted?: true;
  /** No limit makes the response shorter. */
  readonly isWhole?: true;
  /** Parts the call may be billed for beyond the bound. A call is safe to hold for only if there are none. */
  readonly unbounded: readonly string[];
  /** A part that no price covers. */
  readonly fee?: Fee;
  /** The largest amounts of several bodies, of which each deployment gets its own. */
  readonly isLargest?: true;
}

/** Returns the amounts of money for a call. Decision, explanation and hold all start here. */
export function demandFor(
  size: CallSize,
  limits: ModelCapacity,
  ceiling: Ceiling,
  settings: ClampSettings,
): HoldDemand {
  const tokens = tokenBound(size, limits, settings);
  const reachable = reachablePrice(ceiling, size, tokens.inputTokens, limits.cachesOnMark);
  const fee = feeOf(size, limits, ceiling);
  const answers = size.copies * size.prompts;
  const costOf = (outputTokens: number) => boundNanoUsd(tokens, reachable, outputTokens);
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
    answers,
    ceiling,
    reachable,
    unbounded: unboundedIn(size, ceiling),
    ...(fee && { fee }),
    ...(size.isUncounted && { isUncounted: true as const }),
    ...(size.isWhole && { isWhole: true as const }),
  };
}

/** Returns the demand that covers each of these. They have the same ceiling. */
export function largestDemand(demands: readonly HoldDemand[]): HoldDemand {
  const largest = demands.reduce((most, one) => (one.wantedNanoUsd > most.wantedNanoUsd ? one : most));
  if (demands.length === 1) return largest;
  const most = (amount: (demand: HoldDemand) => NanoUsd) =>
    demands.map(amount).reduce((above, one) => (one > above ? one : above));
  const fee = demands.find((demand) => demand.fee)?.fee;
  return {
    ...largest,
    minimumNanoUsd: most(({ minimumNanoUsd }) => minimumNanoUsd),
    fairShareNanoUsd: most(({ fairShareNanoUsd }) => fairShareNanoUsd),
    inputNanoUsd: most(({ inputNanoUsd }) => inputNanoUsd),
    unbounded: [...new Set(demands.flatMap(({ unbounded }) => unbounded))],
    ...(fee && { fee }),
    ...(demands.some(({ isUncounted }) => isUncounted) && { isUncounted: true as const }),
    isLargest: true,
  };
}

/**
 * Returns how many tokens a response must be allowed to make the call worthwhile. A model with tools writes files and
 * arguments, which are useless when cut short: the client would only ask again.
 */
function leastWorthCalling(size: CallSize, { outputTokens }: UsageBound, settings: ClampSettings): number {
  if (!size.hasTools) return settings.minOutputTokens;
  if (size.outputTokens === undefined) return settings.defaultHoldTokens;
  return Math.ceil((outputTokens / (size.copies * size.prompts)) * settings.minClampShare);
}

/** Returns how many tokens each response may have if only `grantedNanoUsd` of the demand was held. */
export function outputTokensFor(
  grantedNanoUsd: NanoUsd,
  { tokens, reachable, answers }: Pick<HoldDemand, 'tokens' | 'reachable' | 'answers'>,
): number {
  return Math.floor(outputTokensWithin(grantedNanoUsd, tokens, reachable) / answers);
}

/** Output limits of each response. */
export interface OutputFigures {
  /** The limit of the client, or the longest response of the model. */
  readonly asked: number;
  /** The lowest limit that the call accepts. */
  readonly least: number;
  /** The highest limit that an amount pays for. */
  readonly fits: number;
}

/** Returns what a call asks for and accepts, and what this amount pays for. */
export function outputFigures(
  demand: Pick<HoldDemand, 'tokens' | 'reachable' | 'answers' | 'minimumNanoUsd'>,
  leftNanoUsd: NanoUsd,
): OutputFigures {
  const asked = Math.floor(demand.tokens.outputTokens / demand.answers);
  const within = (amount: NanoUsd) => Math.min(asked, outputTokensFor(amount, demand));
  return { asked, least: within(demand.minimumNanoUsd), fits: within(leftNanoUsd) };
}
