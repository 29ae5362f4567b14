import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3Content,
  LanguageModelV3FinishReason,
  LanguageModelV3StreamPart,
} from '@ai-sdk/provider';
import type { CallType } from '../call-types/call-type.js';
import type { CallBody } from '../call-types/call-body.js';
import type { Fee } from '../policy/bound.js';
import type { Usage } from '../policy/price.js';

/** The amount of reasoning that a call asks for: a word, or a number of tokens. */
export interface Reasoning {
  readonly effort?: string;
  readonly budgetTokens?: number;
  /** True if the model decides by itself how much it reasons. */
  readonly isAdaptive?: true;
  /** True if the model must not reason. */
  readonly isOff?: true;
  /** Member of the body that asks for it. */
  readonly param: string;
}

/** A call on its way to a provider: the body's meaning, in words that no API owns. A provider's `prepare` may change it. */
export interface TranslatedCall {
  /** Prompt, tools and settings, in the AI SDK's form. `maxOutputTokens` includes reasoning. */
  readonly options: LanguageModelV3CallOptions;
  readonly stream: boolean;
  reasoning?: Reasoning;
  /** False if the model may call one tool at a time only. */
  parallelToolCalls?: boolean;
  /** Opaque name of the end user. */
  endUser?: string;
  serviceTier?: string;
  /** Members of the body that only a provider knows. They are sent as they are. */
  readonly ownMembers: Record<string, unknown>;
}

/** A request of a call that not every provider can serve. */
export type Feature =
  | 'seed'
  | 'topK'
  | 'frequencyPenalty'
  | 'presencePenalty'
  | 'logitBias'
  | 'logprobs'
  | 'severalAnswers'
  | 'audioOutput'
  | 'storing'
  | 'verbosity'
  | 'prediction'
  | 'functions'
  | 'webSearch'
  | 'customTools'
  | 'reasoning'
  | 'jsonObject'
  | 'jsonSchema'
  | 'stopSequences'
  | 'serialToolCalls';

/** The model of one deployment, as a provider's package needs to know it. */
export interface TargetModel {
  /** Name at the provider. */
  readonly name: string;
  readonly provider: string;
  /** Output limit without a limit of the caller or of a budget. */
  readonly maxOutputTokens: number;
}

/** Builds the model of the AI SDK for one call. All requests go through `fetch`. */
export type ModelFactory = (
  target: TargetModel,
  call: TranslatedCall,
  fetch: typeof globalThis.fetch,
) => LanguageModelV3;

/** An API to which calls are translated. */
export interface ProviderApi {
  /** The API's name, as the header of the answer says it. */
  readonly name: string;
  /** The type of calls that the provider serves. Its usage and its streams are read by it, as those of passed calls. */
  readonly wire: CallType;
  readonly lacks: ReadonlySet<Feature>;
  /** Returns whether the provider takes such a file, as data or by its address. */
  readonly takesFile: (mediaType: string, isAddress: boolean) => boolean;
  /** Gives the call the provider's own options. Throws `MalformedBodyError` if the provider cannot do what the call asks for. */
  readonly prepare: (call: TranslatedCall, target: TargetModel, drops: boolean) => void;
  /** Tokens that the provider adds to the prompt of a call with tools, or with a form of the answer, at most. */
  readonly hiddenTokens: number;
  /** Returns the first member that makes the provider charge more than the known prices. */
  readonly surchargeIn?: (body: CallBody) => Fee | undefined;
  /** Loads the provider's package. */
  readonly load: () => Promise<ModelFactory>;
}

/** Members that every part of an answer shows. */
export interface AnswerFacts {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
}

/** A whole answer of a provider. */
export interface TranslatedAnswer extends AnswerFacts {
  readonly content: readonly LanguageModelV3Content[];
  readonly finish: LanguageModelV3FinishReason;
  /** The provider's own usage. Undefined if it reported none. */
  readonly usage: Usage | undefined;
  /** The text that stopped the model, if the provider says it. */
  readonly stopSequence?: string;
}

/** Writes one stream in the form of a client's API. */
export interface StreamWriter {
  /** Returns the text of the events for one part. The last part is of type `finish`. */
  write(part: LanguageModelV3StreamPart): string;
  /** Returns the last events with the terminator. `usage`: the provider's own. */
  end(usage: Usage | undefined): string;
}

/** Facts of a stream that is written. */
export interface StreamFacts {
  /** The facts, as far as the provider has sent them. */
  readonly facts: () => AnswerFacts;
  /** Usage so far. Undefined if the provider reported none yet. */
  readonly usage: () => Usage | undefined;
  /** True if the client asked for a chunk with the usage. */
  readonly includeUsage: boolean;
  /** Estimated tokens of the prompt. */
  readonly estimatedInputTokens: number;
}

/** An API that clients speak: it reads their bodies, and writes answers in its own form. */
export interface ClientApi {
  /** The API's name, as the header of the answer says it. */
  readonly name: string;
  readonly read: (body: Readonly<Record<string, unknown>>, reading: BodyReading) => TranslatedCall;
  readonly whole: (answer: TranslatedAnswer) => object;
  readonly stream: (facts: StreamFacts) => StreamWriter;
}

/** Answers to the questions of a client's API while it reads a body. */
export interface BodyReading {
  readonly api: ProviderApi;
  /** True to leave out what the provider does not have. */
  readonly drops: boolean;
  /** Returns whether a member of the body is for the gateway only. */
  readonly isOfGateway: (name: string) => boolean;
  /** Returns true if the provider has a feature. Otherwise returns false if it is left out, or throws `MalformedBodyError`. */
  readonly takes: (feature: Feature, param: string) => boolean;
}
