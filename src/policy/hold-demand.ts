import {
  type CallSize,
  type Fee,
  feeOf,
  type ModelCapacity,
  type OutputSettings,
  tokenBound,
  tokensOfSearch,
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
  /** Searches that the gateway limits, because the client does not. */
  readonly searchTools?: SearchTools;
  /** Parts the call may be billed for beyond the bound. A call is safe to hold for only if there are none. */
  readonly unbounded: readonly string[];
  /** A part that no price covers. */
  readonly fee?: Fee;
  /** The largest amounts of several bodies, of which each deployment gets its own. */
  readonly isLargest?: true;
}

/** Search tools that the client does not limit. A smaller hold pays for fewer searches of each. */
interface SearchTools {
  readonly count: number;
  /** The most searches of each. */
  readonly most: number;
  /** The most tokens that the prompt gets by one search. */
  readonly tokensOfSearch: number;
  /** Tokens that each response must be allowed beside the searches. */
  readonly leastOutputTokens: number;
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
  const costOf = (outputTokens: number, bound = tokens) => boundNanoUsd(bound, reachable, outputTokens);
  const { leastOutputTokens: least = 0 } = size;
  const wantedNanoUsd = costOf(tokens.outputTokens);
  const leastEach = leastWorthCalling(size, tokens, settings);
  const searchTools = searchToolsOf(size, limits, settings, leastEach);
  const fewest = searchTools ? withSearches(tokens, searchTools, 1) : tokens;
  const atMost = (tokensEach: number) => {
    const outputTokens = Math.max(tokensEach, least) * answers;
    return outputTokens < tokens.outputTokens || fewest !== tokens
      ? costOf(Math.min(outputTokens, tokens.outputTokens), fewest)
      : wantedNanoUsd;
  };
  return {
    tokens,
    wantedNanoUsd,
    minimumNanoUsd: settings.budgetClamp && !size.isWhole ? atMost(leastEach) : wantedNanoUsd,
    fairShareNanoUsd: size.isWhole ? wantedNanoUsd : atMost(settings.defaultHoldTokens),
    inputNanoUsd: costOf(0),
    answers,
    ceiling,
    reachable,
    unbounded: unboundedIn(size, ceiling),
    ...(fee && { fee }),
    ...(size.isUncounted && { isUncounted: true as const }),
    ...(size.isWhole && { isWhole: true as const }),
    ...(searchTools && { searchTools }),
  };
}

function searchToolsOf(
  size: CallSize,
  limits: ModelCapacity,
  { maxToolCallsUnderBudget: most }: ClampSettings,
  leastOutputTokens: number,
): SearchTools | undefined {
  const count = size.uncappedSearchTools ?? 0;
  return count ? { count, most, tokensOfSearch: tokensOfSearch(limits, size), leastOutputTokens } : undefined;
}

/** Returns the bound with so many searches of each tool that the client does not limit. */
function withSearches(
  tokens: UsageBound,
  { count, most, tokensOfSearch: each }: SearchTools,
  searches: number,
): UsageBound {
  const fewer = (most - searches) * count;
  return {
    ...tokens,
    inputTokens: tokens.inputTokens - fewer * each,
    webSearches: (tokens.webSearches ?? 0) - fewer,
  };
}

/** Returns the most searches of each tool that an amount pays for beside a response worth calling for; at least one. */
export function searchesFor(
  grantedNanoUsd: NanoUsd,
  { tokens, reachable, answers, searchTools }: OutputDemand,
): number | undefined {
  if (!searchTools) return undefined;
  for (let searches = searchTools.most; searches > 1; searches--) {
    const within = outputTokensWithin(grantedNanoUsd, withSearches(tokens, searchTools, searches), reachable);
    if (within >= searchTools.leastOutputTokens * answers) return searches;
  }
  return 1;
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

/** The parts of a demand that decide what an amount pays for. */
type OutputDemand = Pick<HoldDemand, 'tokens' | 'reachable' | 'answers' | 'searchTools'>;

/** Returns how many tokens each response may have if only `grantedNanoUsd` of the demand was held. */
export function outputTokensFor(grantedNanoUsd: NanoUsd, demand: OutputDemand): number {
  const { tokens, reachable, answers, searchTools } = demand;
  const bound = searchTools
    ? withSearches(tokens, searchTools, searchesFor(grantedNanoUsd, demand)!)
    : tokens;
  return Math.floor(outputTokensWithin(grantedNanoUsd, bound, reachable) / answers);
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
  demand: OutputDemand & Pick<HoldDemand, 'minimumNanoUsd'>,
  leftNanoUsd: NanoUsd,
): OutputFigures {
  const asked = Math.floor(demand.tokens.outputTokens / demand.answers);
  const within = (amount: NanoUsd) => Math.min(asked, outputTokensFor(amount, demand));
  return { asked, least: within(demand.minimumNanoUsd), fits: within(leftNanoUsd) };
}
