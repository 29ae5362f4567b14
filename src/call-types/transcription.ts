import { type CallSize, NO_UNITS } from '../policy/bound.js';
import type { Price, Usage } from '../policy/price.js';
import type { CallBody } from './call-body.js';
import type { CallType, PricedCall, ResponseObject } from './call-type.js';
import { FormBody } from './form-body.js';
import { estimatedTokens, isObject, reportedUsage, tokens } from './reported-usage.js';
import { longestDurationMs } from './audio-duration.js';
import { openaiErrorEvent, typedStream } from './typed-stream.js';

const TOKENS_PER_SECOND = 10;

export const transcription: CallType = {
  callType: 'transcription',
  path: '/audio/transcriptions',
  isForm: true,
  size: transcriptionSize,
  allowsNonJson: true,
  usage: transcriptionUsage,
  writtenParts: () => [],
  estimate: ({ size, price }, responseBytes) => {
    const ms = size.units!.inputMs!;
    return isPricedByTime(price)
      ? { inputTokens: 0, outputTokens: 0, ...durationUsage(ms, price) }
      : {
          inputTokens: Math.ceil((ms / 1_000) * TOKENS_PER_SECOND),
          outputTokens: estimatedTokens(responseBytes),
          inputMs: ms,
        };
  },
  stream: typedStream(
    ['transcript.text.done'],
    [],
    ({ usage }) => {
      const counts = tokenUsage(usage);
      return counts ? { usage: counts, ends: true } : { ends: true };
    },
    ['delta'],
    openaiErrorEvent,
  ),
};

/** Transcription into English. */
export const translation: CallType = {
  ...transcription,
  callType: 'translation',
  path: '/audio/translations',
};

function transcriptionSize(body: CallBody): CallSize {
  const files = body instanceof FormBody ? body.files : [];
  const ms = files.reduce(
    (sum, file) => sum + longestDurationMs(body.bytes.subarray(file.valueStart, file.valueEnd), file),
    0,
  );
  return {
    inputBytes: body.inputBytes,
    hasMedia: true,
    prompts: 1,
    copies: 1,
    generates: true,
    isWhole: true,
    // LiteLLM's files price the duration by either name.
    units: { ...NO_UNITS, inputMs: ms, outputMs: ms },
  };
}

/**
 * Returns the tokens or the duration, whichever has a price. Prices of both are alternatives, so the tokens count, which are
 * exact. Undefined if the response reports neither.
 */
function transcriptionUsage(response: ResponseObject, { price }: PricedCall): Usage | undefined {
  const counts = tokenUsage(response?.usage);
  const seconds = isObject(response?.usage) ? response.usage.seconds : undefined;
  const ms = tokens(Math.round(Number(seconds ?? response?.duration) * 1_000));
  const hasTokenPrice = Boolean(price?.input || price?.output);
  if (counts && hasTokenPrice) return counts;
  if (isPricedByTime(price) ? ms === undefined : hasTokenPrice) return undefined;
  if (!counts && ms === undefined) return undefined;
  return { inputTokens: 0, outputTokens: 0, ...counts, ...(ms !== undefined && durationUsage(ms, price)) };
}

const isPricedByTime = (price: Price | undefined) => Boolean(price?.inputMs || price?.outputMs);

const durationUsage = (ms: number, price: Price | undefined) =>
  price?.inputMs || !price?.outputMs ? { inputMs: ms } : { outputMs: ms };

const tokenUsage = (usage: unknown): Usage | undefined =>
  isObject(usage) ? reportedUsage({ input_tokens_details: usage.input_token_details, ...usage }) : undefined;
