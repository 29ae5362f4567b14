import { SERVICE_TIERS, type Usage } from '../policy/price.js';

/**
 * What an upstream says a call used, and which service answered (`service_tier`); `undefined` when it says nothing, or
 * something no call can use.
 */
export function reportedUsage(usage: unknown, serviceTier?: unknown): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const inputTokens = tokens(usage.prompt_tokens ?? usage.input_tokens);
  const outputTokens = tokens(usage.completion_tokens ?? usage.output_tokens ?? 0);
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  const input = part(usage.prompt_tokens_details ?? usage.input_tokens_details, inputTokens);
  const output = part(usage.completion_tokens_details ?? usage.output_tokens_details, outputTokens);
  const written = input('cache_write_tokens') || input('cache_creation_tokens');
  const writtenForAnHour = part(usage.cache_creation, written)('ephemeral_1h_input_tokens');
  const service = SERVICE_TIERS.find((tier) => tier === (usage.service_tier ?? serviceTier));
  const told: { -readonly [Name in keyof Usage]: Usage[Name] } = { inputTokens, outputTokens };
  const tell = (name: keyof typeof told & `${string}Tokens`, count: number) => {
    if (count) told[name] = count;
  };
  tell('cachedInputTokens', input('cached_tokens'));
  tell('cacheWriteTokens', written - writtenForAnHour);
  tell('cacheWrite1hTokens', writtenForAnHour);
  tell('inputAudioTokens', input('audio_tokens'));
  tell('inputImageTokens', input('image_tokens'));
  tell('reasoningTokens', output('reasoning_tokens'));
  tell('outputAudioTokens', output('audio_tokens'));
  tell('outputImageTokens', output('image_tokens'));
  if (service) told.serviceTier = service;
  return told;
}

/** More than any call uses: a count beyond it is no count. */
const MAX_TOKENS = 1_000_000_000;

export const tokens = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MAX_TOKENS
    ? value
    : undefined;

/** A part is never more than its whole, whatever the upstream says. */
export const part = (details: unknown, whole: number) => (name: string) =>
  isObject(details) ? Math.min(tokens(details[name]) ?? 0, whole) : 0;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object';

export const BYTES_PER_TOKEN = 4;

/** Tokens of a text nobody counted: an estimate, and entries made of it say so. */
export function estimatedTokens(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}
