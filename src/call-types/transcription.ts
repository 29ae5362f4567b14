import { type CallSize, NO_UNITS } from '../policy/bound.js';
import type { Price, Usage } from '../policy/price.js';
import type { CallBody } from './call-body.js';
import type { CallType, PricedCall, MockAnswer } from './call-type.js';
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
  answersAnything: true,
  usage: transcriptionUsage,
  made: () => [],
  estimate: ({ size, price }, answerBytes) => {
    const ms = size.units!.inputMs!;
    return {
      inputTokens: Math.ceil((ms / 1_000) * TOKENS_PER_SECOND),
      outputTokens: estimatedTokens(answerBytes),
      ...lasting(ms, price),
    };
  },
  stream: typedStream(
    ['transcript.text.done'],
    [],
    ({ usage }) => {
      const used = tokenUsage(usage);
      return used ? { usage: used, ends: true } : { ends: true };
    },
    ['delta'],
    openaiErrorEvent,
  ),
};

/** Into English. */
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
    // Some files price the length by either name.
    units: { ...NO_UNITS, inputMs: ms, outputMs: ms },
  };
}

/** By length or by tokens, whichever has a price; undefined when the answer does not say what that needs. */
function transcriptionUsage(answer: MockAnswer, { price }: PricedCall): Usage | undefined {
  const used = tokenUsage(answer?.usage);
  const seconds = isObject(answer?.usage) ? answer.usage.seconds : undefined;
  const ms = tokens(Math.round(Number(seconds ?? answer?.duration) * 1_000));
  if ((price?.inputMs || price?.outputMs) && ms === undefined) return undefined;
  if ((price?.input || price?.output) && !used) return undefined;
  if (!used && ms === undefined) return undefined;
  return { inputTokens: 0, outputTokens: 0, ...used, ...(ms !== undefined && lasting(ms, price)) };
}

const lasting = (ms: number, price: Price | undefined) =>
  price?.inputMs || !price?.outputMs ? { inputMs: ms } : { outputMs: ms };

const tokenUsage = (usage: unknown): Usage | undefined =>
  isObject(usage) ? reportedUsage({ input_tokens_details: usage.input_token_details, ...usage }) : undefined;
