import { type CallSize, NO_UNITS } from '../policy/bound.js';
import type { Usage } from '../policy/price.js';
import type { CallBody } from './call-body.js';
import type { CallType, PricedCall, MockAnswer } from './call-type.js';
import { estimatedTokens, reportedUsage } from './reported-usage.js';
import { openaiErrorEvent, typedStream } from './typed-stream.js';

const MAX_IMAGES = 128;
/** More than any documented image is made of; where a model says its own maximum, that. */
const MOST_TOKENS = 16_384;

export const imageGeneration: CallType = {
  callType: 'image_generation',
  path: '/images/generations',
  size: imageSize,
  usage: imageUsage,
  made: () => [],
  // Nobody can tell from a picture what it took: all of what it may.
  estimate: ({ size, price }) => ({
    inputTokens: estimatedTokens(size.inputBytes),
    outputTokens: MOST_TOKENS * size.copies,
    ...(price?.outputImages ? { outputImages: size.copies } : { inputImages: size.copies }),
  }),
  stream: {
    ...typedStream(
      ['image_generation.completed', 'image_edit.completed'],
      [],
      ({ usage }, before) => {
        const used = drawnTokens(usage);
        return used ? { usage: before ? sum(before, used) : used, ends: true } : { ends: true };
      },
      [],
      openaiErrorEvent,
    ),
    endsPerAnswer: true,
  },
};

function imageSize(body: CallBody): CallSize {
  const copies = body.wholeNumber('n', MAX_IMAGES) ?? 1;
  const { media } = body;
  return {
    // Each image that is drawn may be billed as a call of its own.
    inputBytes: body.inputBytes * copies,
    hasMedia: media.isAny,
    ...(media.images && { images: { ...media.images, count: media.images.count * copies } }),
    prompts: 1,
    isUncountable: true,
    copies,
    generates: true,
    isWhole: true,
    // LiteLLM's files price what is drawn by either name.
    units: { ...NO_UNITS, inputImages: copies, outputImages: copies },
  };
}

function imageUsage(answer: MockAnswer, { price }: PricedCall): Usage | undefined {
  const used = drawnTokens(answer?.usage);
  const drawn = Array.isArray(answer?.data) ? answer.data.length : undefined;
  if (drawn === undefined || (!used && (price?.input || price?.output))) return undefined;
  const images = price?.outputImages ? { outputImages: drawn } : { inputImages: drawn };
  return { inputTokens: 0, outputTokens: 0, ...used, ...images };
}

/** Tokens of an answer that was drawn: where it does not say otherwise, all of them are the image's. */
function drawnTokens(usage: unknown): Usage | undefined {
  const used = reportedUsage(usage);
  const saysMore = (usage as { output_tokens_details?: unknown } | undefined)?.output_tokens_details;
  return used && !saysMore ? { ...used, outputImageTokens: used.outputTokens } : used;
}

function sum(one: Usage, other: Usage): Usage {
  const counts = (usage: Usage) => new Map(Object.entries(usage).filter(([, n]) => typeof n === 'number'));
  const [first, second] = [counts(one), counts(other)] as [Map<string, number>, Map<string, number>];
  for (const [name, count] of second) first.set(name, (first.get(name) ?? 0) + count);
  return Object.fromEntries(first) as unknown as Usage;
}
