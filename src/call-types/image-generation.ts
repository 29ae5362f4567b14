import { type CallSize, NO_UNITS } from '../policy/bound.js';
import type { Price, Usage } from '../policy/price.js';
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
    ...pixelsIn(size, price, size.copies),
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
  const pixels = pixelsOf(body.text('size'));
  const { inputPixels: _, outputPixels: __, ...others } = NO_UNITS;
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
    units: {
      ...others,
      inputImages: copies,
      outputImages: copies,
      // A size that the provider chooses has no bound.
      ...(pixels !== undefined && { inputPixels: pixels * copies, outputPixels: pixels * copies }),
    },
  };
}

const SIZE = /^(\d{1,5})x(\d{1,5})$/;

/** Returns the pixels of a size such as `1024x1536`. */
function pixelsOf(size: string | undefined): number | undefined {
  const [, width, height] = SIZE.exec(size ?? '') ?? [];
  return width === undefined ? undefined : Number(width) * Number(height);
}

function imageUsage(response: ResponseObject, { size, price }: PricedCall): Usage | undefined {
  const tokens = imageTokens(response?.usage);
  const imageCount = Array.isArray(response?.data) ? response.data.length : undefined;
  const hasTokenPrice = price?.input || price?.output || price?.outputImageToken;
  if (imageCount === undefined || (!tokens && hasTokenPrice)) return undefined;
  const images = price?.outputImages ? { outputImages: imageCount } : { inputImages: imageCount };
  return { inputTokens: 0, outputTokens: 0, ...tokens, ...images, ...pixelsIn(size, price, imageCount) };
}

/** Returns the pixels of the images that came, at the size that the call asked for. */
function pixelsIn({ units, copies }: CallSize, price: Price | undefined, imageCount: number): Partial<Usage> {
  const { inputPixels } = units!;
  if (inputPixels === undefined || !(price?.inputPixels || price?.outputPixels)) return {};
  const pixels = (inputPixels / copies) * imageCount;
  // LiteLLM's files price generated pixels by either name.
  return price.outputPixels ? { outputPixels: pixels } : { inputPixels: pixels };
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
