import { type CallSize, NO_UNITS } from '../policy/bound.js';
import type { Usage } from '../policy/price.js';
import type { CallBody } from './call-body.js';
import type { CallType, PricedCall, ResponseObject } from './call-type.js';
import { estimatedTokens, reportedUsage } from './reported-usage.js';
import { openaiErrorEvent, typedStream } from './typed-stream.js';

const MAX_IMAGES = 128;
/** Maximum tokens of an image if the model documents none. No documented image has more. */
const MAX_IMAGE_TOKENS = 16_384;

export const imageGeneration: CallType = {
  callType: 'image_generation',
  path: '/images/generations',
  size: imageSize,
  usage: imageUsage,
  writtenParts: () => [],
  // The usage cannot be derived from an image, so the maximum is taken.
  estimate: ({ size, price }) => ({
    inputTokens: estimatedTokens(size.inputBytes),
    outputTokens: MAX_IMAGE_TOKENS * size.copies,
    outputImageTokens: MAX_IMAGE_TOKENS * size.copies,
    ...(price?.outputImages ? { outputImages: size.copies } : { inputImages: size.copies }),
  }),
  stream: {
    ...typedStream(
      ['image_generation.completed', 'image_edit.completed'],
      [],
      ({ usage }, before) => {
        const tokens = imageTokens(usage);
        return tokens ? { usage: before ? sum(before, tokens) : tokens, ends: true } : { ends: true };
      },
      [],
      openaiErrorEvent,
    ),
    hasSeveralEnds: true,
  },
};

function imageSize(body: CallBody): CallSize {
  const copies = body.wholeNumber('n', MAX_IMAGES) ?? 1;
  const { media } = body;
  return {
    // Each generated image may be billed as a call of its own.
    inputBytes: body.inputBytes * copies,
    hasMedia: media.isAny,
    ...(media.images && { images: { ...media.images, count: media.images.count * copies } }),
    prompts: 1,
    isUncountable: true,
    copies,
    generates: true,
    isWhole: true,
    // LiteLLM's files price generated images by either name.
    units: { ...NO_UNITS, inputImages: copies, outputImages: copies },
  };
}

function imageUsage(response: ResponseObject, { price }: PricedCall): Usage | undefined {
  const tokens = imageTokens(response?.usage);
  const imageCount = Array.isArray(response?.data) ? response.data.length : undefined;
  const hasTokenPrice = price?.input || price?.output || price?.outputImageToken;
  if (imageCount === undefined || (!tokens && hasTokenPrice)) return undefined;
  const images = price?.outputImages ? { outputImages: imageCount } : { inputImages: imageCount };
  return { inputTokens: 0, outputTokens: 0, ...tokens, ...images };
}

/** Returns the usage of an image response. All output tokens are image tokens, unless the details say otherwise. */
function imageTokens(usage: unknown): Usage | undefined {
  const tokens = reportedUsage(usage);
  const hasDetails = (usage as { output_tokens_details?: unknown } | undefined)?.output_tokens_details;
  return tokens && !hasDetails ? { ...tokens, outputImageTokens: tokens.outputTokens } : tokens;
}

function sum(one: Usage, other: Usage): Usage {
  const counts = (usage: Usage) => new Map(Object.entries(usage).filter(([, n]) => typeof n === 'number'));
  const [first, second] = [counts(one), counts(other)] as [Map<string, number>, Map<string, number>];
  for (const [name, count] of second) first.set(name, (first.get(name) ?? 0) + count);
  return Object.fromEntries(first) as unknown as Usage;
}
