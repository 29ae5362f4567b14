import { MalformedBodyError } from '../body/json-scanner.js';
import type { CallSize } from '../policy/bound.js';
import { cacheWritesIn } from './cache-writes.js';
import type { CallBody } from './call-body.js';
import type { OutputLimits } from './call-type.js';
import { feeOf, requestedTools } from './fees.js';
import { OUTPUT_LIMIT_MEMBERS } from './output-limits.js';
import type { ReadMember } from './read-members.js';
import { isObject, tokens } from './reported-usage.js';
import { searchContextOf } from './search-fees.js';

const MAX_COPIES = 128;
/** Maximum output limit. No model writes as much, and its cost does not overflow. */
const MAX_OUTPUT_TOKENS = 1_000_000_000;

type Draft = { -readonly [Name in keyof CallSize]: CallSize[Name] };

/** Returns the size of a call that generates text for one or more prompts. */
export function completionSize(
  body: CallBody,
  limits: OutputLimits,
  prompts = 1,
  tools = requestedTools(body),
): CallSize {
  if (body.flag('deferred'))
    throw new MalformedBodyError(
      'Deferred answers are not served here: nobody would hear what they used.',
      'deferred',
    );
  const { media } = body;
  // A template may repeat parts of the body.
  const hasTemplate = hasOwnTemplate(body);
  const size: Draft = {
    inputBytes: body.inputBytes,
    hasMedia: media.isAny || hasTemplate,
    prompts,
    copies: copiesIn(body),
    generates: true,
    cacheWrites: cacheWritesIn(body.bytes),
    ...body.serviceTier,
  };
  if (media.images && !hasTemplate) size.images = media.images;
  const fee = feeOf(body, tools);
  if (fee) size.fee = fee;
  if (tools.webSearches) size.webSearches = tools.webSearches;
  if (tools.uncappedSearchTools) size.uncappedSearchTools = tools.uncappedSearchTools;
  if (media.isAny && body.hasSound) size.hearsSound = true;
  if (requestsAudio(body)) size.speaks = true;
  addLimits(size, body, limits);
  const leastOutputTokens = leastTokens(body);
  if (leastOutputTokens) size.leastOutputTokens = leastOutputTokens;
  addReasoning(size, body);
  if (isPresent(body, 'web_search_options')) {
    size.searchContext = searchContextOf(body.value('web_search_options')) ?? 'any';
    // A chat has no member that limits searches, and models search once.
    size.webSearches = (size.webSearches ?? 0) + 1;
  }
  if (isPresent(body, 'prediction'))
    size.predictedBytes = Buffer.byteLength(JSON.stringify(body.value('prediction')));
  if (tools.count || isPresent(body, 'functions')) size.hasTools = true;
  return size;
}

/** Modalities that are not audio. Any other value may be audio in another spelling. */
const SILENT: ReadonlySet<unknown> = new Set(['text', 'image']);

function requestsAudio(body: CallBody): boolean {
  const modalities = body.value('modalities') ?? [];
  if (!Array.isArray(modalities) || !modalities.every((modality) => typeof modality === 'string'))
    throw new MalformedBodyError('The modalities must be a list of texts.', 'modalities');
  return !modalities.every((modality) => SILENT.has(modality)) || (body.value('audio') ?? null) !== null;
}

/** Returns whether the body has its own chat template. A template may repeat parts of the body. */
export function hasOwnTemplate(body: CallBody): boolean {
  if (isPresent(body, 'chat_template')) return true;
  if (!body.has('chat_template_kwargs')) return false;
  const kwargs = body.value('chat_template_kwargs');
  return isObject(kwargs) && (kwargs.chat_template ?? null) !== null;
}

/** Adds whether the call asks for reasoning, and its limit of reasoning tokens. */
function addReasoning(size: Draft, body: CallBody): void {
  const thinking = body.value('thinking');
  const budget = tokens(body.value('thinking_budget'));
  const isRequested =
    (isObject(thinking) && thinking.type !== 'disabled') ||
    isPresent(body, 'reasoning') ||
    (isPresent(body, 'reasoning_effort') && body.value('reasoning_effort') !== 'none') ||
    body.value('enable_thinking') === true ||
    budget !== undefined;
  if (!isRequested) return;
  size.thinks = true;
  if (budget !== undefined && budget <= MAX_OUTPUT_TOKENS) size.thoughtTokens = budget;
}

/** Adds the client's output limits. If there are several, the provider decides which one counts. */
function addLimits(size: Draft, body: CallBody, limits: OutputLimits): void {
  let limitsByName: Record<string, number> | undefined;
  for (const [name, minimum, unlimited] of limits) {
    if (unlimited !== undefined && body.value(name) === unlimited) continue;
    const limit = body.wholeNumber(name, MAX_OUTPUT_TOKENS, minimum);
    if (limit === undefined) continue;
    if (size.outputTokens !== undefined && limit !== size.outputTokens) size.outputTokensBy = limitsByName!;
    (limitsByName ??= {})[name] = limit;
    size.outputTokens = Math.max(size.outputTokens ?? 0, limit);
  }
  const outputTokens = size.outputTokens ?? limitOfOtherApi(body);
  if (outputTokens !== undefined) size.outputTokens = outputTokens;
}

/** Returns the output limit in a member of another API. Values that are no token count are ignored. */
function limitOfOtherApi(body: CallBody): number | undefined {
  for (const name of OUTPUT_LIMIT_MEMBERS) {
    const limit = tokens(body.value(name));
    if (limit && limit <= MAX_OUTPUT_TOKENS) return limit;
  }
  return undefined;
}

/** Returns the lowest output limit that a provider accepts. Reasoning counts as output, so its limit must be lower than the output limit. */
function leastTokens(body: CallBody): number {
  const thinking = body.value('thinking');
  const reasoning = body.value('reasoning');
  const reasoningTokens = Math.max(
    (isObject(thinking) && tokens(thinking.budget_tokens)) || 0,
    (isObject(reasoning) && tokens(reasoning.max_tokens)) || 0,
  );
  return Math.max(reasoningTokens && reasoningTokens + 1, tokens(body.value('min_tokens')) ?? 0);
}

const isPresent = (body: CallBody, name: ReadMember) => (body.value(name) ?? null) !== null;

/** Returns the number of answers for each prompt. llama.cpp's name for `n` is `n_cmpl`. */
const copiesIn = (body: CallBody): number =>
  Math.max(
    body.wholeNumber('n', MAX_COPIES) ?? 1,
    body.wholeNumber('best_of', MAX_COPIES) ?? 1,
    body.wholeNumber('n_cmpl', MAX_COPIES) ?? 1,
  );
