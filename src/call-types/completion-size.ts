import { MalformedBodyError } from '../body/json-scanner.js';
import type { CallSize } from '../policy/bound.js';
import type { CallBody } from './call-body.js';
import type { OutputLimits } from './call-type.js';
import { feeOf, toolsAsked } from './fees.js';
import { OUTPUT_LIMIT_MEMBERS } from './output-limits.js';
import type { ReadMember } from './read-members.js';
import { isObject, tokens } from './reported-usage.js';

const MAX_COPIES = 128;
/** Far beyond what any model writes, far below what makes money overflow. */
const MAX_OUTPUT_TOKENS = 1_000_000_000;

type Draft = { -readonly [Name in keyof CallSize]: CallSize[Name] };

/** A call whose answers are written, to one prompt or several. */
export function completionSize(
  body: CallBody,
  limits: OutputLimits,
  prompts = 1,
  tools = toolsAsked(body),
): CallSize {
  if (body.flag('deferred'))
    throw new MalformedBodyError(
      'Deferred answers are not served here: nobody would hear what they used.',
      'deferred',
    );
  const { media } = body;
  // A template may repeat what the body says once.
  const hasTemplate = bringsTemplate(body);
  const size: Draft = {
    inputBytes: body.inputBytes,
    hasMedia: media.isAny || hasTemplate,
    prompts,
    copies: copiesIn(body),
    generates: true,
    ...body.serviceTier,
  };
  if (media.images && !hasTemplate) size.images = media.images;
  const fee = feeOf(body, tools);
  if (fee) size.fee = fee;
  if (tools.webSearches) size.webSearches = tools.webSearches;
  if (media.isAny && body.hasSound) size.hearsSound = true;
  if (asksForSound(body)) size.speaks = true;
  addLimits(size, body, limits);
  const least = leastTokens(body);
  if (least) size.leastOutputTokens = least;
  addThoughts(size, body);
  if (isGiven(body, 'prediction'))
    size.predictedBytes = Buffer.byteLength(JSON.stringify(body.value('prediction')));
  if (tools.count || isGiven(body, 'functions')) size.hasTools = true;
  return size;
}

/** Whatever else is asked for may be sound in another spelling. */
const SILENT: ReadonlySet<unknown> = new Set(['text', 'image']);

function asksForSound(body: CallBody): boolean {
  const modalities = body.value('modalities') ?? [];
  if (!Array.isArray(modalities) || !modalities.every((one) => typeof one === 'string'))
    throw new MalformedBodyError('The modalities must be a list of texts.', 'modalities');
  return !modalities.every((one) => SILENT.has(one)) || (body.value('audio') ?? null) !== null;
}

/** Does the body bring a template of its own? It may repeat what the body says once. */
export function bringsTemplate(body: CallBody): boolean {
  if (isGiven(body, 'chat_template')) return true;
  if (!body.has('chat_template_kwargs')) return false;
  const told = body.value('chat_template_kwargs');
  return isObject(told) && (told.chat_template ?? null) !== null;
}

/** Adds whether the call asks for thoughts, and how many it allows apart from the answer. */
function addThoughts(size: Draft, body: CallBody): void {
  const thinking = body.value('thinking');
  const budget = tokens(body.value('thinking_budget'));
  const isAsked =
    (isObject(thinking) && thinking.type !== 'disabled') ||
    isGiven(body, 'reasoning') ||
    (isGiven(body, 'reasoning_effort') && body.value('reasoning_effort') !== 'none') ||
    body.value('enable_thinking') === true ||
    budget !== undefined;
  if (!isAsked) return;
  size.thinks = true;
  if (budget !== undefined && budget <= MAX_OUTPUT_TOKENS) size.thoughtTokens = budget;
}

/** Adds the client's own limits of an answer: which one counts where there are several depends on the provider. */
function addLimits(size: Draft, body: CallBody, limits: OutputLimits): void {
  let named: Record<string, number> | undefined;
  for (const [name, least] of limits) {
    const limit = body.wholeNumber(name, MAX_OUTPUT_TOKENS, least);
    if (limit === undefined) continue;
    if (size.outputTokens !== undefined && limit !== size.outputTokens) size.outputTokensBy = named!;
    (named ??= {})[name] = limit;
    size.outputTokens = Math.max(size.outputTokens ?? 0, limit);
  }
  const inOtherWords = size.outputTokens ?? limitInOtherWords(body);
  if (inOtherWords !== undefined) size.outputTokens = inOtherWords;
}

/** Returns what a client limits its answer to in the word of another API. Whatever else stands in such a member means nothing here. */
function limitInOtherWords(body: CallBody): number | undefined {
  for (const name of OUTPUT_LIMIT_MEMBERS) {
    const limit = tokens(body.value(name));
    if (limit && limit <= MAX_OUTPUT_TOKENS) return limit;
  }
  return undefined;
}

/** Returns the limit below which a provider refuses the call: thoughts count as answer, and their own limit must stay below the answer's. */
function leastTokens(body: CallBody): number {
  const thinking = body.value('thinking');
  const reasoning = body.value('reasoning');
  const thoughts = Math.max(
    (isObject(thinking) && tokens(thinking.budget_tokens)) || 0,
    (isObject(reasoning) && tokens(reasoning.max_tokens)) || 0,
  );
  return Math.max(thoughts && thoughts + 1, tokens(body.value('min_tokens')) ?? 0);
}

const isGiven = (body: CallBody, name: ReadMember) => (body.value(name) ?? null) !== null;

/** llama.cpp's word for `n` is `n_cmpl`. */
const copiesIn = (body: CallBody): number =>
  Math.max(
    body.wholeNumber('n', MAX_COPIES) ?? 1,
    body.wholeNumber('best_of', MAX_COPIES) ?? 1,
    body.wholeNumber('n_cmpl', MAX_COPIES) ?? 1,
  );
