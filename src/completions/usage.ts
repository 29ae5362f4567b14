import type { Usage } from '../policy/price.js';

/** What an upstream says a call used; `undefined` when it says nothing, or something no call can use. */
export function reportedUsage(usage: unknown): Usage | undefined {
  if (usage === null || typeof usage !== 'object') return undefined;
  const told = usage as Record<string, unknown>;
  const inputTokens = tokens(told.prompt_tokens ?? told.input_tokens);
  const outputTokens = tokens(told.completion_tokens ?? told.output_tokens ?? 0);
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  const input = part(told.prompt_tokens_details ?? told.input_tokens_details);
  const output = part(told.completion_tokens_details ?? told.output_tokens_details);
  const details = {
    cachedInputTokens: input('cached_tokens', inputTokens),
    cacheWriteTokens: input('cache_creation_tokens', inputTokens),
    inputAudioTokens: input('audio_tokens', inputTokens),
    reasoningTokens: output('reasoning_tokens', outputTokens),
    outputAudioTokens: output('audio_tokens', outputTokens),
  };
  return {
    inputTokens,
    outputTokens,
    ...Object.fromEntries(Object.entries(details).filter(([, count]) => count)),
  };
}

/** More than any call uses: a count beyond it is no count. */
const MAX_TOKENS = 1_000_000_000;

const tokens = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MAX_TOKENS
    ? value
    : undefined;

/** A part is never more than its whole, whatever the upstream says. */
const part = (details: unknown) => (name: string, whole: number) =>
  details !== null && typeof details === 'object'
    ? Math.min(tokens((details as Record<string, unknown>)[name]) ?? 0, whole)
    : 0;

const BYTES_PER_TOKEN = 4;

/** Tokens of a text nobody counted: an estimate, and entries made of it say so. */
export function estimatedTokens(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}
