import { SERVICE_TIERS, type Usage } from '../policy/price.js';

/**
 * Returns the usage that an upstream reports, and the service tier. Returns undefined if the upstream reports none, or
 * impossible counts.
 */
export function reportedUsage(usage: unknown, serviceTier?: unknown): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const inputTokens = tokens(usage.prompt_tokens ?? usage.input_tokens);
  const outputTokens = tokens(usage.completion_tokens ?? usage.output_tokens ?? 0);
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  const input = part(usage.prompt_tokens_details ?? usage.input_tokens_details, inputTokens);
  const output = part(usage.completion_tokens_details ?? usage.output_tokens_details, outputTokens);
  const written = input('cache_write_tokens') || input('cache_creation_tokens');
  const written1h = part(usage.cache_creation, written)('ephemeral_1h_input_tokens');
  const service = SERVICE_TIERS.find((tier) => tier === (usage.service_tier ?? serviceTier));
  const counts: { -readonly [Name in keyof Usage]: Usage[Name] } = { inputTokens, outputTokens };
  const add = (name: keyof typeof counts & `${string}Tokens`, count: number) => {
    if (count) counts[name] = count;
  };
  add('cachedInputTokens', input('cached_tokens'));
  add('cacheWriteTokens', written - written1h);
  add('cacheWrite1hTokens', written1h);
  add('inputAudioTokens', input('audio_tokens'));
  add('inputImageTokens', input('image_tokens'));
  add('reasoningTokens', output('reasoning_tokens'));
  add('outputAudioTokens', output('audio_tokens'));
  add('outputImageTokens', output('image_tokens'));
  if (service) counts.serviceTier = service;
  return counts;
}

/** Maximum token count. A higher count is taken for an error. */
const MAX_TOKENS = 1_000_000_000;

export const tokens = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MAX_TOKENS
    ? value
    : undefined;

/** Returns a count of the details. It is never more than the whole. */
export const part = (details: unknown, whole: number) => (name: string) =>
  isObject(details) ? Math.min(tokens(details[name]) ?? 0, whole) : 0;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object';

export const BYTES_PER_TOKEN = 4;

/** Estimates the tokens of a text. Ledger entries with such a count are marked as estimated. */
export function estimatedTokens(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}
