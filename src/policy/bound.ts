import { type Price, SERVICE_TIERS, type ServiceTier, type Unit, UNITS, type UsageBound } from './price.js';

/** How large a call may get, read off the request alone. */
export interface CallSize {
  /** UTF-8 bytes of everything that becomes prompt: never fewer than its tokens in a byte-level BPE. */
  readonly inputBytes: number;
  /** The prompt, counted, where somebody took the trouble. */
  readonly counted?: CountedPrompt;
  /** It could not be counted in time: the bound by bytes stands for now. */
  readonly isUncounted?: true;
  /** Counting what is in the body would say less than the call uses. */
  readonly isUncountable?: true;
  /** Tokens of what the provider itself puts around the prompt. */
  readonly hiddenTokens?: number;
  /** The client asks for a context of this size, whatever is documented. */
  readonly contextTokens?: number;
  /** Images, audio, files or anything the provider holds: their tokens do not show in the bytes. */
  readonly hasMedia: boolean;
  /** Set where images are all of that. */
  readonly images?: Images;
  /** The client's own output limit; where it names several, the largest. */
  readonly outputTokens?: number;
  /** Set where it names several that differ: each under its name. */
  readonly outputTokensBy?: Readonly<Record<string, number>>;
  /** The call offers the model tools. */
  readonly hasTools?: true;
  /** With a lower limit than this the provider refuses the call. */
  readonly leastOutputTokens?: number;
  /** `max(n, best_of)`: answers to each prompt. */
  readonly copies: number;
  /** Prompts in one call (`/completions`, `/embeddings`): each may fill the context. */
  readonly prompts: number;
  /** Something it asks for costs more than this says: tools the provider runs itself, a search. */
  readonly fee?: Fee;
  /** Searches of the web that the provider may run in it: what each of them finds becomes prompt. */
  readonly webSearches?: number;
  /** There is sound in the prompt. */
  readonly hearsSound?: true;
  /** Sound is asked for. */
  readonly speaks?: true;
  /** `service_tier`, as asked for. */
  readonly serviceTier?: string;
  /** The most of other units, where the call limits them; of one that is absent it may use any amount. */
  readonly units?: Partial<Readonly<Record<Unit, number>>>;
  /** The call asks the model to think, or says how much. */
  readonly thinks?: true;
  /** The most tokens of those thoughts, where the call limits them apart from the answer. */
  readonly thoughtTokens?: number;
  /** Bytes of a predicted answer: what the model does not take of it is billed as output beside the answer. */
  readonly predictedBytes?: number;
  /** False where nothing is generated (embeddings). */
  readonly generates: boolean;
  /** No limit makes its answer shorter (images, sound): it passes as a whole or not at all. */
  readonly isWhole?: true;
  /** The provider charges nothing for such a call, whatever the model costs. */
  readonly isFree?: true;
}

/** Something whose price nobody can know beforehand. */
export interface Fee {
  /** As a sentence names it: "the tool 'code_interpreter'". */
  readonly what: string;
  /** The member of the body that asks for it. */
  readonly param: string;
}

/** Images of a prompt, and the bytes of the body that carry them. */
export interface Images {
  readonly count: number;
  readonly bytes: number;
}

/** A prompt by OpenAI's current encoding. */
export interface CountedPrompt {
  readonly tokens: number;
  /** Bytes of which another encoding may make a token each: beyond ASCII, digits, and what stands in runs. */
  readonly otherBytes: number;
}

/** The longest answer of one deployment, as far as known, and where it looks for a limit. */
export interface AnswerLimits {
  /** Told by the operator, or documented. */
  readonly maxOutputTokens?: number;
  /** Its answers may be as long as its context: beside a prompt there is less room. */
  readonly answersFillContext?: true;
  /** Prompt and answer together. */
  readonly contextTokens?: number;
  /** The member of the body it reads an output limit from, where the API has several. */
  readonly limitMember: string;
}

/** The largest prompt and the longest answers of a model's deployments, as far as known. */
export interface ModelCapacity {
  readonly maxInputTokens?: number;
  /** One for each kind of deployment. */
  readonly answers: readonly AnswerLimits[];
  /** It is known to use OpenAI's current encoding. */
  readonly encodesLikeOpenAi?: boolean;
  /** The most tokens one image is read as, by its provider's documentation. */
  readonly imageTokens?: number;
  /** Some provider of it limits thoughts apart from answers: no output limit counts them. */
  readonly thinksBesideLimit?: boolean;
  /** The provider runs no more web searches in a call than it is told. */
  readonly capsWebSearches?: boolean;
  /** What every call of it is charged for beside its tokens. */
  readonly fee?: Fee;
}

/** The settings that an output bound depends on. */
export interface OutputSettings {
  /** `default_output_tokens`: the longest answer of a model of which nobody knows it. */
  readonly defaultOutputTokens: number;
}

/** What it may be billed for that has a price and no bound, or is served at a price nobody knows: then no bound holds. */
export function unboundedIn(size: CallSize, ceiling: Price): Unbounded[] {
  const priced = UNITS.filter((unit) => ceiling[unit]);
  const bound = priced.length ? unitBound(size) : {};
  const units = priced.filter((unit) => bound[unit] === undefined);
  return [
    ...units,
    ...(tierHasPrice(size.serviceTier, ceiling) ? [] : (['service_tier'] as const)),
    ...(size.hearsSound && ceiling.lacks?.inputAudio ? (['input_audio'] as const) : []),
    ...(size.speaks && ceiling.lacks?.outputAudio ? (['output_audio'] as const) : []),
  ];
}

/** What nothing limits, or what is billed by a price nobody knows. */
export type Unbounded = Unit | 'service_tier' | 'input_audio' | 'output_audio';

const NO_SEARCHES = { webSearches: 0 };
const NO_IMAGES_SEEN = { inputImages: 0, webSearches: 0 };
const NOTHING_WRITTEN = { outputImages: 0, outputMs: 0, outputCharacters: 0 };
/** None of any unit: what a call that says how much it uses starts from. */
export const NO_UNITS = Object.freeze(
  Object.fromEntries(UNITS.map((unit) => [unit, 0])) as Record<Unit, number>,
);

/** Without media there are no images to read, and without an answer nothing to write. */
function unitBound({ units, hasMedia, generates, webSearches }: CallSize): Partial<Record<Unit, number>> {
  if (generates && !units) {
    const seen = hasMedia ? NO_SEARCHES : NO_IMAGES_SEEN;
    return webSearches ? { ...seen, webSearches } : seen;
  }
  return { ...NO_SEARCHES, ...(!hasMedia && NO_IMAGES_SEEN), ...(!generates && NOTHING_WRITTEN), ...units };
}

/** Service tiers that cost the list price or less. */
const PLAIN_SERVICE_TIERS: readonly string[] = ['auto', 'default', 'flex', 'standard_only'];

const tierHasPrice = (tier: string | undefined, { serviceTiers }: Price) =>
  tier === undefined ||
  PLAIN_SERVICE_TIERS.includes(tier) ||
  (isServiceTier(tier) && tier in (serviceTiers ?? {}));

const isServiceTier = (tier: string): tier is ServiceTier => SERVICE_TIERS.some((known) => known === tier);

/** What a model without a documented maximum is taken to read at most. */
const DEFAULT_MAX_INPUT_TOKENS = 1_048_576;
/** The same of an answer no limit makes shorter: more than any documented image or sound takes. */
const MOST_TOKENS_OF_WHOLE = 16_384;
/** What a chat template adds around a request beyond the bytes of its own JSON. */
const TEMPLATE_TOKENS = 512;

/** May its prompt be counted, where its bytes do not fit? */
export const mayCount = ({ hasMedia, isUncountable, isUncounted, counted }: CallSize): boolean =>
  !hasMedia && !isUncountable && !isUncounted && counted === undefined;

/** Can the size of its prompt be estimated by the bytes of its body? */
export const showsItsPrompt = ({ hasMedia, isUncountable }: CallSize): boolean => !hasMedia && !isUncountable;

/** Returns an upper bound of what a call can be billed for, as far as it has one: what else there may be, `unboundedIn` says. */
export function tokenBound(size: CallSize, limits: ModelCapacity, settings: OutputSettings): UsageBound {
  const promptTokens = promptBound(size, limits) + (size.hiddenTokens ?? 0);
  const mostInput = limits.maxInputTokens && Math.max(limits.maxInputTokens, size.contextTokens ?? 0);
  const images = limits.imageTokens === undefined ? undefined : size.images;
  const asked =
    size.hasMedia && !images
      ? Math.max(mostInput ?? DEFAULT_MAX_INPUT_TOKENS, mostInput ? 0 : promptTokens)
      : Math.min(promptTokens, (mostInput ?? Infinity) * size.prompts);
  // After every search all of it is read again, with what was found: as much as the model reads.
  const inputTokens = asked + (size.webSearches ?? 0) * (mostInput ?? DEFAULT_MAX_INPUT_TOKENS);
  const units = unitBound(size);
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
  };
}

/** More thoughts than any model is documented with whose provider limits them apart from its answers. */
const MOST_THOUGHT_TOKENS = 131_072;

/** Returns what one answer may be billed for as output that no output limit counts. */
function tokensBesideAnswer(
  { thinks, thoughtTokens, predictedBytes = 0 }: CallSize,
  { thinksBesideLimit }: ModelCapacity,
): number {
  const thoughts = thinksBesideLimit && thinks ? (thoughtTokens ?? MOST_THOUGHT_TOKENS) : 0;
  return thoughts + predictedBytes;
}

/** Returns the most tokens one answer of a deployment may have, beside a prompt of at most `inputTokens`. */
export function answerTokens(
  size: CallSize,
  at: AnswerLimits,
  inputTokens: number,
  settings: OutputSettings,
): number {
  const named = namedLimit(size, at);
  if (named !== undefined) return Math.min(named, documentedMost(size, at));
  const { maxOutputTokens, answersFillContext, contextTokens } = at;
  if (maxOutputTokens !== undefined && !answersFillContext) return maxOutputTokens;
  if (size.isWhole) return maxOutputTokens ?? MOST_TOKENS_OF_WHOLE;
  const { leastOutputTokens: least = 0 } = size;
  // A call that must have more than usual needs the usual beside it.
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

/** Returns the longest answer by the operator's or the provider's word; no answer is longer than a context. */
export const documentedMost = (
  size: CallSize,
  { maxOutputTokens, contextTokens = Infinity }: AnswerLimits,
): number => maxOutputTokens ?? Math.max(contextTokens, size.contextTokens ?? 0);

/** Fewer tokens than these are no answer worth a limit that rests on bytes. */
const LEAST_ROOM = 256;
/** More bytes than a token has in nearly every text. */
const BYTES_OF_A_TOKEN = 3;

/**
 * Returns what a context leaves beside a prompt. A prompt has far fewer tokens than bytes: where its bytes alone would fill
 * the context, the answer gets its usual length, or what is likely to be left.
 */
function roomBeside(inputTokens: number, contextTokens: number, usual: number): number {
  const room = contextTokens - inputTokens;
  if (room >= LEAST_ROOM) return room;
  const likely = contextTokens - Math.ceil(inputTokens / BYTES_OF_A_TOKEN);
  return Math.max(room, Math.min(usual, Math.max(likely, Math.min(LEAST_ROOM, contextTokens))));
}

const MARGIN_OF_OPENAI = 1.05;
/** How many more tokens than OpenAI's encoding another may make of what it has few long tokens for … */
const MARGIN_OF_OTHERS = 1.5;
/** … and of words OpenAI's has long tokens for: each of at least so many letters. */
const LETTERS_OF_A_TOKEN = 2;

/** Returns the most tokens that another encoding than OpenAI's makes of a counted prompt. */
function otherEncodings({ tokens, otherBytes }: CountedPrompt, inputBytes: number): number {
  const letters = Math.max(inputBytes - otherBytes, 0);
  return Math.max(tokens * MARGIN_OF_OTHERS, letters / LETTERS_OF_A_TOKEN) + otherBytes;
}

/** Bytes are never fewer than tokens; a count is closer, with a margin for encodings nobody has here. */
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

/** What a call costs beyond everything its size says, with this model at these prices. */
export function feeOf(
  { fee, webSearches }: CallSize,
  limits: ModelCapacity,
  { lacks }: Price,
): Fee | undefined {
  if (fee ?? limits.fee) return fee ?? limits.fee;
  return webSearches && (!limits.capsWebSearches || lacks?.webSearches) ? WEB_SEARCH : undefined;
}

const WEB_SEARCH: Fee = { what: "the tool 'web_search'", param: 'tools' };
