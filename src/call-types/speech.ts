import { type CallSize, NO_UNITS } from '../policy/bound.js';
import type { CallBody } from './call-body.js';
import type { CallType } from './call-type.js';
import { estimatedTokens, reportedUsage } from './reported-usage.js';
import { openaiErrorEvent, typedStream } from './typed-stream.js';

const CHARACTERS_PER_SECOND = 15;
const TOKENS_PER_SECOND = 20;
/** Nobody speaks slower than this many seconds a character. */
const MOST_SECONDS_PER_CHARACTER = 1;
const LEAST_BOUND_SECONDS = 60;

/** Text that is read out. Its characters are known beforehand; how long the sound is, nobody says. */
export const speech: CallType = {
  callType: 'speech',
  path: '/audio/speech',
  size: speechSize,
  answersAnything: true,
  usage: (_, { size, price }) =>
    price?.input || price?.output || price?.outputMs
      ? undefined
      : { inputTokens: 0, outputTokens: 0, inputCharacters: size.units!.inputCharacters! },
  made: () => [],
  estimate: ({ size }) => {
    const inputCharacters = size.units!.inputCharacters!;
    const seconds = inputCharacters / CHARACTERS_PER_SECOND;
    return {
      inputTokens: estimatedTokens(size.inputBytes),
      outputTokens: Math.ceil(seconds * TOKENS_PER_SECOND),
      inputCharacters,
      outputMs: Math.ceil(seconds * 1_000),
    };
  },
  stream: typedStream(
    ['speech.audio.done'],
    [],
    ({ usage }) => {
      const used = reportedUsage(usage);
      return used ? { usage: used, ends: true } : { ends: true };
    },
    [],
    openaiErrorEvent,
  ),
};

function speechSize(body: CallBody): CallSize {
  let inputCharacters = 0;
  for (const _ of body.text('input') ?? '') inputCharacters++;
  const seconds = Math.max(LEAST_BOUND_SECONDS, inputCharacters * MOST_SECONDS_PER_CHARACTER);
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
