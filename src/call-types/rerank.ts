import { type CallSize, NO_UNITS } from '../policy/bound.js';
import type { Usage } from '../policy/price.js';
import type { CallBody } from './call-body.js';
import type { CallType, PricedCall, MockAnswer } from './call-type.js';
import { openaiStream } from './openai-stream.js';
import { estimatedTokens, isObject, tokens } from './reported-usage.js';

/** Cohere bills a search for so many documents; a longer document counts as several of so many tokens, query included. */
const DOCUMENTS_PER_SEARCH = 100;
const TOKENS_PER_DOCUMENT = 500;

export const rerank: CallType = {
  callType: 'rerank',
  path: '/rerank',
  size: rerankSize,
  usage: rerankUsage,
  made: () => [],
  estimate: ({ size }) => ({
    inputTokens: estimatedTokens(size.inputBytes),
    outputTokens: 0,
    searches: size.units!.searches!,
  }),
  stream: openaiStream,
};

function rerankSize(body: CallBody): CallSize {
  const { inputBytes } = body;
  const documents = body.promptsIn('documents');
  const queryBytes = Buffer.byteLength(body.text('query') ?? '');
  const pieces = documents + Math.ceil(inputBytes / Math.max(TOKENS_PER_DOCUMENT - queryBytes, 1));
  return {
    // The query is read again with every document.
    inputBytes: inputBytes + queryBytes * documents,
    hasMedia: false,
    prompts: documents,
    isUncountable: true,
    copies: 1,
    generates: false,
    units: { ...NO_UNITS, searches: Math.ceil(pieces / DOCUMENTS_PER_SEARCH) },
  };
}

function rerankUsage(answer: MockAnswer, { price }: PricedCall): Usage | undefined {
  const { meta } = answer ?? {};
  const said = (of: unknown, ...names: string[]) =>
    isObject(of) ? names.map((name) => tokens(of[name])).find((count) => count !== undefined) : undefined;
  const billed = isObject(meta) ? meta.billed_units : undefined;
  const inputTokens =
    said(answer?.usage, 'prompt_tokens', 'input_tokens', 'total_tokens') ??
    said(billed, 'input_tokens', 'total_tokens') ??
    (isObject(meta) ? said(meta.tokens, 'input_tokens') : undefined);
  const searches = said(billed, 'search_units');
  if (price?.input && inputTokens === undefined) return undefined;
  if (price?.searches && searches === undefined) return undefined;
  return { inputTokens: inputTokens ?? 0, outputTokens: 0, ...(searches !== undefined && { searches }) };
}
