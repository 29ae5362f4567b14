import { type Price, SERVICE_TIERS, type ServiceTier, type Unit, UNITS, type UsageBound } from './price.js';

/** How large a call may get, read off the request alone. */
export interface CallSize {
  /** UTF-8 bytes of everything that becomes prompt: never fewer than its tokens in a byte-level BPE. */
  readonly inputBytes: number;
  /** The prompt, counted, where somebody took the trouble. */
  readonly counted?: CountedPrompt;
  /** Counting what is in the body would say less than the call uses. */
  readonly isUncountable?: true;
  /** Tokens of what the provider itself puts around the prompt. */
  readonly hiddenTokens?: number;
  /** The client asks for a context of this size, whatever is documented. */
  readonly contextTokens?: number;
  /** Images, audio, files or anything the provider holds: their tokens do not show in the bytes. */
  readonly hasMedia: boolean;
  /** The client's own output limit. */
  readonly outputTokens?: number;
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

/** A prompt by OpenAI's current encoding. */
export interface CountedPrompt {
  readonly tokens: number;
  /** UTF-8 bytes beyond ASCII: encodings differ most there, some make a token of each. */
  readonly otherBytes: number;
}

/** The largest prompt and answer of a model, as far as known. */
export interface ModelLimits {
  readonly maxInputTokens?: number;
  readonly maxOutputTokens?: number;
  /** It is known to use OpenAI's encoding. */
  readonly encodesLikeOpenAi?: boolean;
  /** The provider runs no more web searches in a call than it is told. */
  readonly capsWebSearches?: boolean;
  /** What every call of it is charged for beside its tokens. */
  readonly fee?: Fee;
}

export interface TokenBound extends UsageBound {
  /** Set when neither client nor catalogue limits the answer: the upstream must be told this one, per copy. */
  readonly outputLimitToSet?: number;
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

/** What a model without a documented maximum is taken to read and is told to write at most. */
const DEFAULT_MAX_INPUT_TOKENS = 1_048_576;
const DEFAULT_MAX_OUTPUT_TOKENS = 16_384;
/** What a chat template adds around a request beyond the bytes of its own JSON. */
const TEMPLATE_TOKENS = 512;

/** May its prompt be counted, where its bytes do not fit? */
export const mayCount = ({ hasMedia, isUncountable, counted }: CallSize): boolean =>
  !hasMedia && !isUncountable && counted === undefined;

/** An upper bound of what a call can be billed for, as far as it has one: what else there may be, `unboundedIn` says. */
export function tokenBound(size: CallSize, limits: ModelLimits): TokenBound {
  const promptTokens = promptBound(size, limits) + (size.hiddenTokens ?? 0);
  const mostInput = limits.maxInputTokens && Math.max(limits.maxInputTokens, size.contextTokens ?? 0);
  const asked = size.hasMedia
    ? Math.max(mostInput ?? DEFAULT_MAX_INPUT_TOKENS, mostInput ? 0 : promptTokens)
    : Math.min(promptTokens, (mostInput ?? Infinity) * size.prompts);
  // After every search all of it is read again, with what was found: as much as the model reads.
  const inputTokens = asked + (size.webSearches ?? 0) * (mostInput ?? DEFAULT_MAX_INPUT_TOKENS);
  const units = unitBound(size);
  if (!size.generates) return { inputTokens, outputTokens: 0, ...units };
  const most = limits.maxOutputTokens;
  const outputTokens =
    Math.min(size.outputTokens ?? most ?? DEFAULT_MAX_OUTPUT_TOKENS, most ?? Infinity) *
    size.copies *
    size.prompts;
  return size.outputTokens === undefined && most === undefined && !size.isWhole
    ? { inputTokens, outputTokens, outputLimitToSet: DEFAULT_MAX_OUTPUT_TOKENS, ...units }
    : { inputTokens, outputTokens, ...units };
}

const MARGIN_OF_OPENAI = 1.05;
/** How many more tokens than OpenAI's encoding another may make of ASCII. */
const MARGIN_OF_OTHERS = 1.5;

/** Bytes are never fewer than tokens; a count is closer, with a margin for encodings nobody has here. */
function promptBound({ inputBytes, prompts, counted }: CallSize, { encodesLikeOpenAi }: ModelLimits): number {
  const byBytes = inputBytes + TEMPLATE_TOKENS * prompts;
  if (!counted) return byBytes;
  const byCount = encodesLikeOpenAi
    ? counted.tokens * MARGIN_OF_OPENAI
    : counted.tokens * MARGIN_OF_OTHERS + counted.otherBytes;
  return Math.min(byBytes, Math.ceil(byCount));
}

/** What a call costs beyond everything its size says, with this model at these prices. */
export function feeOf(
  { fee, webSearches }: CallSize,
  limits: ModelLimits,
  { lacks }: Price,
): Fee | undefined {
  if (fee ?? limits.fee) return fee ?? limits.fee;
  return webSearches && (!limits.capsWebSearches || lacks?.webSearches) ? WEB_SEARCH : undefined;
}

const WEB_SEARCH: Fee = { what: "the tool 'web_search'", param: 'tools' };
