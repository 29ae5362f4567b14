import type { CacheWrites, Ceiling } from './ceiling.js';
import { serviceTierOf, type Unit, UNITS, type UsageBound } from './price.js';

/** How much a web search brings into the prompt. */
export type SearchContext = 'low' | 'medium' | 'high';

/** The most a call may use, read from the request alone. */
export interface CallSize {
  /** Set if a chat asks the model to search the web; `any` if it names no size. */
  readonly searchContext?: SearchContext | 'any';
  /** UTF-8 bytes of everything that becomes prompt. A byte-level BPE never makes more tokens than bytes. */
  readonly inputBytes: number;
  /** The counted prompt, if it was counted. */
  readonly counted?: CountedPrompt;
  /** The prompt could not be counted in time: the bound by bytes counts for now. */
  readonly isUncounted?: true;
  /** A count of the body would be lower than what the call uses. */
  readonly isUncountable?: true;
  /** Tokens that the provider adds around the prompt. */
  readonly hiddenTokens?: number;
  /** The context size that the client asks for, whatever is documented. */
  readonly contextTokens?: number;
  /** The prompt has images, audio, files or content stored at the provider: bytes do not show their tokens. */
  readonly hasMedia: boolean;
  /** Set if the media are images only. */
  readonly images?: Images;
  /** The client's own output limit; the largest if it names several. */
  readonly outputTokens?: number;
  /** Set if the client names several limits that differ: each under its name. */
  readonly outputTokensBy?: Readonly<Record<string, number>>;
  /** The call offers tools to the model. */
  readonly hasTools?: true;
  /** The provider refuses the call if the limit is lower than this. */
  readonly leastOutputTokens?: number;
  /** `max(n, best_of)`: responses to each prompt. */
  readonly copies: number;
  /** Prompts in one call (`/completions`, `/embeddings`). Each may fill the context. */
  readonly prompts: number;
  /** A part of the request whose cost is not in this size: a tool the provider runs, a search. */
  readonly fee?: Fee;
  /** Web searches that the provider may run. What each finds becomes prompt. */
  readonly webSearches?: number;
  /** Search tools without a limit of the client. Under a budget each gets one, which is sent to the provider. */
  readonly uncappedSearchTools?: number;
  /** The prompt contains sound. */
  readonly hearsSound?: true;
  /** The call asks for sound. */
  readonly speaks?: true;
  /** The `service_tier` of the request. */
  readonly serviceTier?: string;
  /** The writes to the provider's cache that the body marks. Absent: any of them. */
  readonly cacheWrites?: CacheWrites;
  /** The most of other units, where the call limits them. A unit that is absent has no limit. */
  readonly units?: Partial<Readonly<Record<Unit, number>>>;
  /** The call asks the model to reason, or says how much. */
  readonly thinks?: true;
  /** The most reasoning tokens, where the call limits them apart from the response. */
  readonly thoughtTokens?: number;
  /** Bytes of a predicted response. The provider bills the part that the model does not use as output, too. */
  readonly predictedBytes?: number;
  /** False where the model generates nothing (embeddings). */
  readonly generates: boolean;
  /** No limit makes the response shorter (images, sound): the call passes whole or not at all. */
  readonly isWhole?: true;
  /** The provider never charges for such a call. */
  readonly isFree?: true;
}

/** A part of a request that has no price beforehand. */
export interface Fee {
  /** Its name in a sentence: "the tool 'code_interpreter'". */
  readonly what: string;
  /** The member of the body that asks for it. */
  readonly param: string;
}

/** Images of a prompt, and the bytes of the body that carry them. */
export interface Images {
  readonly count: number;
  readonly bytes: number;
}

/** A prompt counted with OpenAI's current encoding. */
export interface CountedPrompt {
  readonly tokens: number;
  /** Bytes of which another encoding may make a token each: beyond ASCII, digits, and repeated characters. */
  readonly otherBytes: number;
}

/** The longest response of one deployment, as far as known, and the member it reads a limit from. */
export interface AnswerLimits {
  /** Given by the operator, or documented. */
  readonly maxOutputTokens?: number;
  /** Responses share the context with the prompt: a long prompt leaves less. */
  readonly answersFillContext?: true;
  /** Prompt and response together. */
  readonly contextTokens?: number;
  /** The member of the body from which the deployment reads an output limit, where the API has several. */
  readonly limitMember: string;
}

/** The largest prompt and the longest responses of a model's deployments, as far as known. */
export interface ModelCapacity {
  readonly maxInputTokens?: number;
  /** One entry for each distinct limit among the deployments. */
  readonly answers: readonly AnswerLimits[];
  /** The model is known to use OpenAI's current encoding. */
  readonly encodesLikeOpenAi?: boolean;
  /** The most tokens of one image, by the provider's documentation. */
  readonly imageTokens?: number;
  /** At least one provider limits reasoning apart from the response: no output limit counts it. */
  readonly thinksBesideLimit?: boolean;
  /** All providers write only what a body marks to their caches. */
  readonly cachesOnMark?: boolean;
  /** The provider runs no more web searches in a call than the request allows. */
  readonly capsWebSearches?: boolean;
  /** At least one provider searches the web in every call, once. */
  readonly searchesEveryCall?: boolean;
  /** A fee of every call of the model beside its tokens. */
  readonly fee?: Fee;
}

/** Settings that an output bound depends on. */
export interface OutputSettings {
  /** `default_output_tokens`: the longest response of a model without a documented limit. */
  readonly defaultOutputTokens: number;
  /** `max_tool_calls_under_budget`: searches of a tool for which the client names no limit. */
  readonly maxToolCallsUnderBudget: number;
}

/** Returns what the call may be billed for that has no bound, or no known price. No hold is safe then. */
export function unboundedIn(size: CallSize, ceiling: Ceiling): Unbounded[] {
  const priced = UNITS.filter((unit) => ceiling[unit]);
  const bound = priced.length ? unitBound(size) : {};
  const units = priced.filter((unit) => bound[unit] === undefined);
  return [
    ...units,
    ...(tierHasPrice(size.serviceTier, ceiling) ? [] : (['service_tier'] as const)),
    ...(size.hearsSound && ceiling.lacks.inputAudio ? (['input_audio'] as const) : []),
    ...(size.speaks && ceiling.lacks.outputAudio ? (['output_audio'] as const) : []),
  ];
}

/** A part of a call that nothing limits, or that has no known price. */
export type Unbounded = Unit | 'service_tier' | 'input_audio' | 'output_audio';

/** Units of tools. A call that asks for one has a fee, or counts it. */
const NO_SEARCHES = {
  webSearches: 0,
  webSearchesLow: 0,
  webSearchesMedium: 0,
  citationTokens: 0,
  codeInterpreterSessions: 0,
  fileSearches: 0,
};
const NO_IMAGES_SEEN = { ...NO_SEARCHES, inputImages: 0, inputPixels: 0 };
const NOTHING_WRITTEN = { outputImages: 0, outputMs: 0, outputCharacters: 0, outputPixels: 0 };
/** Zero of every unit: the start for a call that says how much it uses. */
export const NO_UNITS = Object.freeze(
  Object.fromEntries(UNITS.map((unit) => [unit, 0])) as Record<Unit, number>,
);

/** Returns the units that a call without media or without a response cannot use, as zero. */
function unitBound({ units, hasMedia, generates }: CallSize, webSearches = 0): Partial<Record<Unit, number>> {
  if (generates && !units) {
    const seen = hasMedia ? NO_SEARCHES : NO_IMAGES_SEEN;
    return webSearches ? { ...seen, webSearches } : seen;
  }
  return { ...NO_SEARCHES, ...(!hasMedia && NO_IMAGES_SEEN), ...(!generates && NOTHING_WRITTEN), ...units };
}

/** Service tiers that cost the list price or less. */
const PLAIN_SERVICE_TIERS: readonly string[] = ['auto', 'default', 'flex', 'standard_only'];

function tierHasPrice(name: string | undefined, { serviceTiers }: Ceiling): boolean {
  if (name === undefined || PLAIN_SERVICE_TIERS.includes(name)) return true;
  const tier = serviceTierOf(name);
  return tier !== undefined && serviceTiers.includes(tier);
}

/** The prompt limit assumed for a model without a documented one. */
const DEFAULT_MAX_INPUT_TOKENS = 1_048_576;
/** The response limit assumed where no limit makes a response shorter: more than any documented image or sound takes. */
const MOST_TOKENS_OF_WHOLE = 16_384;
/** Tokens that a chat template adds beyond the bytes of the request's JSON. */
const TEMPLATE_TOKENS = 512;

/** Tells whether the prompt may be counted where its bytes do not fit. */
export const mayCount = ({ hasMedia, isUncountable, isUncounted, counted }: CallSize): boolean =>
  !hasMedia && !isUncountable && !isUncounted && counted === undefined;

/** Tells whether the bytes of the body bound the size of the prompt. */
export const showsItsPrompt = ({ hasMedia, isUncountable }: CallSize): boolean => !hasMedia && !isUncountable;

/** Output tokens that a call takes of a rate limit for each response, unless it can write only fewer. */
const RATE_OUTPUT_TOKENS = 4_096;

/**
 * Returns the tokens that a call takes of a rate limit until its use is known. It is an estimate: a bound would leave a
 * small limit to one call a minute.
 */
export function rateTokens(
  size: CallSize,
  limits: ModelCapacity,
  { inputTokens, outputTokens }: UsageBound,
): number {
  if (size.isFree) return 0;
  const answers = size.copies * size.prompts;
  // What searches bring is counted when it is known.
  const searches = size.webSearches || size.uncappedSearchTools;
  const asked = searches && !size.hasMedia ? promptBound(size, limits) : inputTokens;
  return (
    Math.min(promptEstimate(size, limits) ?? asked, inputTokens) +
    Math.min(outputTokens, RATE_OUTPUT_TOKENS * answers)
  );
}

/** Returns the tokens of a prompt, as counted. Images and the text beside them are estimated. */
function promptEstimate(
  { counted, images, inputBytes, hiddenTokens = 0 }: CallSize,
  { imageTokens }: ModelCapacity,
): number | undefined {
  if (counted) return counted.tokens + hiddenTokens;
  if (!images || imageTokens === undefined) return undefined;
  const textBytes = Math.max(inputBytes - images.bytes, 0);
  return Math.ceil(textBytes / BYTES_OF_A_TOKEN) + images.count * imageTokens + hiddenTokens;
}

/** Returns the most web searches of a call, with at most `mostEach` for each tool without a limit of the client. */
export const searchesIn = (
  { webSearches = 0, uncappedSearchTools = 0 }: CallSize,
  mostEach: number,
): number => webSearches + uncappedSearchTools * mostEach;

/** Returns the most tokens that the prompt gets by one search: the model reads all of it again, with the results. */
export const tokensOfSearch = (
  { maxInputTokens }: ModelCapacity,
  { contextTokens = 0 }: Pick<CallSize, 'contextTokens'>,
): number =>
  maxInputTokens === undefined ? DEFAULT_MAX_INPUT_TOKENS : Math.max(maxInputTokens, contextTokens);

/** Returns an upper bound of what the call can be billed for. `unboundedIn` names the parts that have none. */
export function tokenBound(size: CallSize, limits: ModelCapacity, settings: OutputSettings): UsageBound {
  const promptTokens = promptBound(size, limits) + (size.hiddenTokens ?? 0);
  const mostInput = limits.maxInputTokens && Math.max(limits.maxInputTokens, size.contextTokens ?? 0);
  const images = limits.imageTokens === undefined ? undefined : size.images;
  const asked =
    size.hasMedia && !images
      ? Math.max(mostInput ?? DEFAULT_MAX_INPUT_TOKENS, mostInput ? 0 : promptTokens)
      : Math.min(promptTokens, (mostInput ?? Infinity) * size.prompts);
  const searches = searchesIn(size, settings.maxToolCallsUnderBudget);
  const inputTokens = asked + searches * tokensOfSearch(limits, size);
  const units = unitBound(size, searches);
  if (!size.generates) return { inputTokens, outputTokens: 0, ...units };
  let each = 0;
  for (const answer of limits.answers) each = Math.max(each, answerTokens(size, answer, asked, settings));
  const answers = size.copies * size.prompts;
  const beside = tokensBesideAnswer(size, limits) * answers;
  return {
    inputTokens,
    outputTokens: each * answers,
    ...(beside && { tokensBesideAnswers: beside }),
    ...units,
    ...(limits.searchesEveryCall && { webSearches: Math.max(units.webSearches ?? 0, 1) }),
  };
}

/** Reasoning tokens assumed where a provider limits them apart from the response: more than any documented model uses. */
const MOST_THOUGHT_TOKENS = 131_072;

/** Returns what one response may be billed for as output that no output limit counts. */
function tokensBesideAnswer(
  { thinks, thoughtTokens, predictedBytes = 0 }: CallSize,
  { thinksBesideLimit }: ModelCapacity,
): number {
  const thoughts = thinksBesideLimit && thinks ? (thoughtTokens ?? MOST_THOUGHT_TOKENS) : 0;
  return thoughts + predictedBytes;
}

/** Returns the most tokens of one response of a deployment, beside a prompt of at most `inputTokens`. */
export function answerTokens(
  size: CallSize,
  at: AnswerLimits,
  inputTokens: number,
  settings: OutputSettings,
): number {
  const ownLimit = namedLimit(size, at);
  if (ownLimit !== undefined) return Math.min(ownLimit, documentedMost(size, at));
  const { maxOutputTokens, answersFillContext, contextTokens } = at;
  if (maxOutputTokens !== undefined && !answersFillContext) return maxOutputTokens;
  if (size.isWhole) return maxOutputTokens ?? MOST_TOKENS_OF_WHOLE;
  const { leastOutputTokens: least = 0 } = size;
  // A call that needs more than the usual limit gets it on top of the usual one.
  const usual = settings.defaultOutputTokens + (least > settings.defaultOutputTokens ? least : 0);
  if (contextTokens === undefined) return maxOutputTokens ?? usual;
  const context = Math.max(contextTokens, size.contextTokens ?? 0);
  return Math.min(roomBeside(inputTokens, context, usual), maxOutputTokens ?? Infinity);
}

/** Returns the client's own output limit, as this deployment reads the body. */
export const namedLimit = (
  { outputTokens, outputTokensBy }: CallSize,
  { limitMember }: AnswerLimits,
): number | undefined => outputTokensBy?.[limitMember] ?? outputTokens;

/** Returns the longest response that the operator or the provider states. No response is longer than the context. */
export const documentedMost = (
  size: CallSize,
  { maxOutputTokens, contextTokens = Infinity }: AnswerLimits,
): number => maxOutputTokens ?? Math.max(contextTokens, size.contextTokens ?? 0);

/** The smallest limit worth a response when the limit rests on bytes. */
const LEAST_ROOM = 256;
/** More bytes than a token has in nearly every text. */
const BYTES_OF_A_TOKEN = 3;

/**
 * Returns what a context leaves beside a prompt. A prompt has far fewer tokens than bytes. Where its bytes alone would
 * fill the context, the response gets its usual length, or what is likely to be left.
 */
function roomBeside(inputTokens: number, contextTokens: number, usual: number): number {
  const room = contextTokens - inputTokens;
  if (room >= LEAST_ROOM) return room;
  const likely = contextTokens - Math.ceil(inputTokens / BYTES_OF_A_TOKEN);
  return Math.max(room, Math.min(usual, Math.max(likely, Math.min(LEAST_ROOM, contextTokens))));
}

const MARGIN_OF_OPENAI = 1.05;
/** Factor by which another encoding may make more tokens of text that has few long tokens in OpenAI's encoding … */
const MARGIN_OF_OTHERS = 1.5;
/** … and of words that have long tokens there: words of at least this many letters. */
const LETTERS_OF_A_TOKEN = 2;

/** Returns the most tokens that another encoding than OpenAI's makes of a counted prompt. */
function otherEncodings({ tokens, otherBytes }: CountedPrompt, inputBytes: number): number {
  const letters = Math.max(inputBytes - otherBytes, 0);
  return Math.max(tokens * MARGIN_OF_OTHERS, letters / LETTERS_OF_A_TOKEN) + otherBytes;
}

/**
 * Returns the most tokens of the prompt. Tokens are never more than bytes; a count is closer, with a margin for unknown
 * encodings.
 */
function promptBound(
  { inputBytes, prompts, counted, images }: CallSize,
  { encodesLikeOpenAi, imageTokens }: ModelCapacity,
): number {
  const seen = images && imageTokens !== undefined ? images.count * imageTokens - images.bytes : 0;
  const byBytes = inputBytes + TEMPLATE_TOKENS * prompts + seen;
  if (!counted) return byBytes;
  const byCount = encodesLikeOpenAi ? counted.tokens * MARGIN_OF_OPENAI : otherEncodings(counted, inputBytes);
  return Math.min(byBytes, Math.ceil(byCount));
}

/** Returns what a call costs beyond its size, with this model at these prices. */
export function feeOf(
  { fee, webSearches, uncappedSearchTools }: CallSize,
  limits: ModelCapacity,
  { lacks }: Ceiling,
): Fee | undefined {
  if (fee ?? limits.fee) return fee ?? limits.fee;
  if (!webSearches && !uncappedSearchTools) return undefined;
  const isCapped = limits.capsWebSearches || (limits.searchesEveryCall && !uncappedSearchTools);
  return !isCapped || lacks.webSearches ? WEB_SEARCH : undefined;
}

const WEB_SEARCH: Fee = { what: "the tool 'web_search'", param: 'tools' };
