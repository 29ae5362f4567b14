import { serviceTierOf, type Usage } from '../policy/price.js';
import { providerBill } from './provider-bill.js';
import { unreadCounts } from './unread-counts.js';

/**
 * Returns the usage that an upstream reports, and the service tier. Returns undefined if the upstream reports none, or
 * impossible counts.
 */
export function reportedUsage(usage: unknown, serviceTier?: unknown): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const totals = totalsOf(usage);
  if (!totals) return undefined;
  const details = usage.prompt_tokens_details ?? usage.input_tokens_details;
  const outputDetails = usage.completion_tokens_details ?? usage.output_tokens_details;
  // Names of OpenAI, DeepSeek, Anthropic and Moonshot.
  const cached = Math.max(
    countOf(details, 'cached_tokens'),
    countOf(usage, 'prompt_cache_hit_tokens'),
    countOf(usage, 'cache_read_input_tokens'),
    countOf(usage, 'cached_tokens'),
  );
  const written = Math.max(
    countOf(details, 'cache_write_tokens'),
    countOf(details, 'cache_creation_tokens'),
    writtenTokens(usage),
  );
  const inside = Math.max(
    countOf(outputDetails, 'reasoning_tokens'),
    hasSearchCounts(usage) ? 0 : countOf(usage, 'reasoning_tokens'),
  );
  const beside = hasSearchCounts(usage) ? countOf(usage, 'reasoning_tokens') : 0;
  const { inputTokens, outputTokens, hasRest } = wholes(totals, cached + written, inside);
  const counts: { -readonly [Name in keyof Usage]: Usage[Name] } = {
    inputTokens,
    outputTokens: outputTokens + beside,
  };
  let left = inputTokens;
  /** Adds a part of what no other part has, so that all parts are disjoint. */
  const add = (name: keyof typeof counts & `${string}Tokens`, count: number) => {
    const part = count < left ? count : left;
    left -= part;
    if (part) counts[name] = part;
  };
  const written1h = Math.min(countOf(usage.cache_creation, 'ephemeral_1h_input_tokens'), written);
  const cachedDetails = isObject(details) ? details.cached_tokens_details : undefined;
  const cachedAudio = Math.min(countOf(cachedDetails, 'audio_tokens'), cached);
  const cachedImages = Math.min(countOf(cachedDetails, 'image_tokens'), cached - cachedAudio);
  add('cachedInputTokens', cached - cachedAudio - cachedImages);
  add('cachedInputAudioTokens', cachedAudio);
  add('cachedInputImageTokens', cachedImages);
  add('cacheWriteTokens', written - written1h);
  add('cacheWrite1hTokens', written1h);
  // The details count cached sound and cached images twice.
  add('inputAudioTokens', Math.max(countOf(details, 'audio_tokens') - cachedAudio, 0));
  add('inputImageTokens', Math.max(countOf(details, 'image_tokens') - cachedImages, 0));
  add('inputVideoTokens', countOf(details, 'video_tokens'));
  left = counts.outputTokens;
  add('reasoningTokens', inside + beside);
  add('outputAudioTokens', countOf(outputDetails, 'audio_tokens'));
  add('outputImageTokens', countOf(outputDetails, 'image_tokens'));
  const { server_side_tool_usage_details: calls } = usage;
  const webSearches =
    countOf(usage, 'num_search_queries') +
    countOf(calls, 'web_search_calls') +
    countOf(calls, 'x_search_calls');
  if (webSearches || usage.num_search_queries === 0) counts.webSearches = webSearches;
  const citations = countOf(usage, 'citation_tokens');
  if (citations) counts.citationTokens = citations;
  const service = serviceTierOf(usage.service_tier ?? serviceTier);
  if (service) counts.serviceTier = service;
  const unread = unreadCounts(usage, hasRest ? 'total_tokens' : undefined);
  if (unread) counts.unreadCounts = unread;
  const bill = providerBill(usage);
  if (bill) Object.assign(counts, bill);
  return counts;
}

/** The totals that a provider reports. */
interface Totals {
  readonly input: number;
  readonly output: number;
  /** Tokens of `total_tokens` that are in neither of both. Undefined if the provider tells no total. */
  readonly excess: number | undefined;
}

/** Returns the totals. The sum tells one that is missing. Undefined if they are unknown or impossible. */
function totalsOf(usage: Readonly<Record<string, unknown>>): Totals | undefined {
  const whole = reportedCount(usage.total_tokens);
  const givenInput = usage.prompt_tokens ?? usage.input_tokens ?? undefined;
  const givenOutput = usage.completion_tokens ?? usage.output_tokens ?? undefined;
  const input = reportedCount(givenInput);
  const output = reportedCount(givenOutput);
  if (givenOutput !== undefined && output === undefined) return undefined;
  if (input === undefined) {
    const isTold = givenInput === undefined && output !== undefined && whole !== undefined && whole > output;
    return isTold ? { input: whole - output, output, excess: 0 } : undefined;
  }
  if (output === undefined)
    return { input, output: whole !== undefined && whole > input ? whole - input : 0, excess: 0 };
  return { input, output, excess: whole === undefined ? undefined : Math.max(whole - input - output, 0) };
}

/**
 * Decides by the sum which tokens are beside a total. xAI counts reasoning beside the completion, and others the cache
 * beside the prompt. A rest that no member explains was written, as Gemini's thoughts are.
 */
function wholes({ input, output, excess }: Totals, cache: number, reasoning: number) {
  if (excess === undefined)
    return { inputTokens: input, outputTokens: output + (reasoning > output ? reasoning : 0) };
  if (excess && excess === cache && excess !== reasoning)
    return { inputTokens: input + cache, outputTokens: output };
  if (cache && reasoning && excess === cache + reasoning)
    return { inputTokens: input + cache, outputTokens: output + reasoning };
  return { inputTokens: input, outputTokens: output + excess, hasRest: excess > reasoning };
}

/** Returns whether the usage has Perplexity's counts. Its reasoning is beside the completion and not in the sum. */
const hasSearchCounts = (usage: Readonly<Record<string, unknown>>) =>
  usage.citation_tokens !== undefined || usage.num_search_queries !== undefined;

/** Returns the tokens written to a cache, in Anthropic's members. If the sum and its parts differ, the larger counts. */
export const writtenTokens = (usage: Readonly<Record<string, unknown>>): number =>
  Math.max(
    countOf(usage, 'cache_creation_input_tokens'),
    countOf(usage.cache_creation, 'ephemeral_5m_input_tokens') +
      countOf(usage.cache_creation, 'ephemeral_1h_input_tokens'),
  );

/** Returns the output tokens of a usage whose prompt is unknown. */
export const reportedOutput = (usage: unknown): number | undefined =>
  isObject(usage) ? reportedCount(usage.completion_tokens ?? usage.output_tokens) : undefined;

/** Maximum token count. A higher count is taken for an error. */
const MAX_TOKENS = 1_000_000_000;
const DIGITS = /^\d{1,10}$/;

export const tokens = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MAX_TOKENS
    ? value
    : undefined;

/** Returns a count that an upstream reports, as a number or in digits. */
export const reportedCount = (value: unknown): number | undefined =>
  tokens(typeof value === 'string' && DIGITS.test(value) ? Number(value) : value);

/** Returns a member's count, or 0. */
export const countOf = (counts: unknown, name: string): number =>
  isObject(counts) ? (reportedCount(counts[name]) ?? 0) : 0;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object';

export const BYTES_PER_TOKEN = 4;

/** Estimates the tokens of a text. Ledger entries with such a count are marked as estimated. */
export function estimatedTokens(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}
