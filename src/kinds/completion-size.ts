import { JsonProblem } from '../http/json-scanner.js';
import type { CallSize } from '../policy/bound.js';
import type { CallBody } from './call-body.js';
import type { OutputLimits } from './call-kind.js';
import { feeOf, toolsAsked } from './fees.js';

const MAX_COPIES = 128;
/** Far beyond what any model writes, far below what makes money overflow. */
const MAX_OUTPUT_TOKENS = 1_000_000_000;

/** A call whose answers are written, to one prompt or several. */
export function completionSize(
  body: CallBody,
  limits: OutputLimits,
  prompts = 1,
  tools = toolsAsked(body),
): CallSize {
  if (body.flag('deferred'))
    throw new JsonProblem(
      'Deferred answers are not served here: nobody would hear what they used.',
      'deferred',
    );
  const size: { -readonly [Name in keyof CallSize]: CallSize[Name] } = {
    inputBytes: body.inputBytes,
    hasMedia: body.hasMedia,
    prompts,
    copies: copiesIn(body),
    generates: true,
    ...body.serviceTier,
  };
  const fee = feeOf(body, tools);
  if (fee) size.fee = fee;
  if (tools.webSearches) size.webSearches = tools.webSearches;
  if (body.hasSound) size.hearsSound = true;
  if (asksForSound(body)) size.speaks = true;
  const outputTokens = largestLimit(body, limits);
  if (outputTokens !== undefined) size.outputTokens = outputTokens;
  return size;
}

function asksForSound(body: CallBody): boolean {
  const modalities = body.value('modalities');
  return (
    (Array.isArray(modalities) && modalities.includes('audio')) || (body.value('audio') ?? null) !== null
  );
}

/** The largest of the client's own limits of an answer: nobody knows which one counts upstream. */
function largestLimit(body: CallBody, limits: OutputLimits): number | undefined {
  let largest: number | undefined;
  for (const [name, least] of limits) {
    const limit = body.wholeNumber(name, MAX_OUTPUT_TOKENS, least);
    if (limit !== undefined && (largest === undefined || limit > largest)) largest = limit;
  }
  return largest;
}

const copiesIn = (body: CallBody): number =>
  Math.max(body.wholeNumber('n', MAX_COPIES) ?? 1, body.wholeNumber('best_of', MAX_COPIES) ?? 1);
