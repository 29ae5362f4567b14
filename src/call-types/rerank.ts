import { type CallSize, NO_UNITS } from '../policy/bound.js';
import type { Usage } from '../policy/price.js';
import type { CallBody } from './call-body.js';
import type { CallType, PricedCall, ResponseObject } from './call-type.js';
import { openaiStream } from './openai-stream.js';
import { estimatedTokens, isObject, reportedCount } from './reported-usage.js';

/** Documents per billed search at Cohere. */
const DOCUMENTS_PER_SEARCH = 100;
/** Maximum tokens of a document, query included. Cohere bills a longer one as several documents. */
const TOKENS_PER_DOCUMENT = 500;

export const rerank: CallType = {
  callType: 'rerank',
  path: '/rerank',
  size: rerankSize,
  usage: rerankUsage,
  writtenParts: () => [],
  estimate: ({ size }) => ({
    inputTokens: estimatedTokens(size.inputBytes),
    outputTokens: 0,
    searches: size.units!.searches!,
  }),
  stream: openaiStream,
};

function rerankSize(body: CallBody): CallSize {
  const { inputBytes } = body;
  const documents = body.countPrompts('documents');
  const queryBytes = Buffer.byteLength(body.text('query') ?? '');
  const pieces = documents + Math.ceil(inputBytes / Math.max(TOKENS_PER_DOCUMENT - queryBytes, 1));
  return {
    // The provider reads the query again with every document.
    inputBytes: inputBytes + queryBytes * documents,
    hasMedia: false,
    prompts: documents,
    isUncountable: true,
    copies: 1,
    generates: false,
    units: { ...NO_UNITS, searches: Math.ceil(pieces / DOCUMENTS_PER_SEARCH) },
  };
}

function rerankUsage(response: ResponseObject, { price }: PricedCall): Usage | undefined {
  const { meta } = response ?? {};
  const countIn = (counts: unknown, ...names: string[]) =>
    isObject(counts)
      ? names.map((name) => reportedCount(counts[name])).find((count) => count !== undefined)
      : undefined;
  const billed = isObject(meta) ? meta.billed_units : undefined;
  const inputTokens =
    countIn(response?.usage, 'prompt_tokens', 'input_tokens', 'total_tokens') ??
    countIn(billed, 'input_tokens', 'total_tokens') ??
    (isObject(meta) ? countIn(meta.tokens, 'input_tokens') : undefined);
  const searches = countIn(billed, 'search_units');
  if (price?.input && inputTokens === undefined) return undefined;
  if (price?.searches && searches === undefined) return undefined;
  return { inputTokens: inputTokens ?? 0, outputTokens: 0, ...(searches !== undefined && { searches }) };
}
