import { type CallSize, NO_UNITS } from '../policy/bound.js';
import type { CallBody } from './call-body.js';
import type { CallType } from './call-type.js';
import { estimatedTokens, reportedUsage } from './reported-usage.js';
import { openaiErrorEvent, typedStream } from './typed-stream.js';

const CHARACTERS_PER_SECOND = 15;
const TOKENS_PER_SECOND = 20;
/** Maximum seconds of speech per character. */
const MAX_SECONDS_PER_CHARACTER = 1;
const LEAST_BOUND_SECONDS = 60;

/** Calls that read a text aloud. The characters are known beforehand; the duration of the audio is never reported. */
export const speech: CallType = {
  callType: 'speech',
  path: '/audio/speech',
  size: speechSize,
  allowsNonJson: true,
  usage: (_, { size, price }) =>
    price?.input || price?.output || price?.outputMs
      ? undefined
      : { inputTokens: 0, outputTokens: 0, inputCharacters: size.units!.inputCharacters! },
  writtenParts: () => [],
  // Prices of tokens and of seconds are alternatives.
  estimate: ({ size, price }) => {
    const inputCharacters = size.units!.inputCharacters!;
    const seconds = inputCharacters / CHARACTERS_PER_SECOND;
    const outputTokens = price?.outputMs ? 0 : Math.ceil(seconds * TOKENS_PER_SECOND);
    return {
      inputTokens: estimatedTokens(size.inputBytes),
      outputTokens,
      outputAudioTokens: outputTokens,
      inputCharacters,
      outputMs: Math.ceil(seconds * 1_000),
    };
  },
  stream: typedStream(
    ['speech.audio.done'],
    [],
    ({ usage }) => {
      const counts = reportedUsage(usage);
      return counts ? { usage: counts, ends: true } : { ends: true };
    },
    [],
    openaiErrorEvent,
  ),
};

function speechSize(body: CallBody): CallSize {
  let inputCharacters = 0;
  for (const _ of body.text('input') ?? '') inputCharacters++;
  const seconds = Math.max(LEAST_BOUND_SECONDS, inputCharacters * MAX_SECONDS_PER_CHARACTER);
  return {
    inputBytes: body.inputBytes,
    hasMedia: false,
    prompts: 1,
    isUncountable: true,
    copies: 1,
    generates: true,
    isWhole: true,
    outputTokens: seconds * TOKENS_PER_SECOND,
    units: { ...NO_UNITS, inputCharacters, outputMs: seconds * 1_000 },
  };
}
