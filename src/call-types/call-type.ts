import type { IncomingHttpHeaders } from 'node:http';
import type { ScannedObject } from '../body/json-scanner.js';
import type { CallSize } from '../policy/bound.js';
import type { Price, Usage } from '../policy/price.js';
import type { CallBody } from './call-body.js';
import type { QuotedText } from './json-string-search.js';
import type { ReadMember } from './read-members.js';

/** What an upstream answered, as an object; undefined where it is none. */
export type MockAnswer = Readonly<Record<string, unknown>> | undefined;

/** A call as far as its price depends on it. */
export interface PricedCall {
  readonly size: CallSize;
  readonly price: Price | undefined;
}

/** One family of calls a model answers: all that is particular to it, and nothing else is. */
export interface CallType {
  /** LiteLLM `call_type`. */
  readonly callType: string;
  /** Where it is served, below the base of the API. */
  readonly path: string;
  /** Its body is a form, not JSON. */
  readonly isForm?: true;
  /** Headers of the client's that the API reads, and that say nothing of where or as whom to call. */
  readonly passedHeaders?: readonly string[];
  /** How large a call of this body may get; `headers` are the client's. Throws `MalformedBodyError`. */
  readonly size: (body: CallBody, headers: IncomingHttpHeaders) => CallSize;
  /** Returns the member this API reads an answer's limit from; `chatMember` is the one this provider reads in a chat. Absent where no limit makes an answer shorter. */
  readonly limitMember?: (chatMember: string) => string;
  /** The member that keeps the provider from more web searches than are held for, where the client did not limit them. */
  readonly webSearchCap?: (
    bytes: Buffer,
    members: ScannedObject['members'],
  ) => readonly [ReadMember, string] | undefined;
  /** A stream tells its usage only when `stream_options` asks for it. */
  readonly asksForUsage?: true;
  /** What a whole answer says it used, in its own words; undefined when it does not say. */
  readonly usage: (answer: MockAnswer, call: PricedCall) => Usage | undefined;
  /** What a whole answer holds that a model wrote: counted where it does not say what it used. */
  readonly made: (answer: MockAnswer) => readonly unknown[];
  /** What is taken to be used where the answer, of so many bytes, does not say and there is more than text to count. */
  readonly estimate?: (call: PricedCall, answerBytes: number) => Usage;
  /** An answer may be sound, or plain text: anything with a status of success is one. */
  readonly answersAnything?: true;
  readonly stream: StreamFormat;
  /** The same shapes without a provider, for a deployment's `mock_response`. A kind without them is not mocked. */
  readonly mock?: {
    readonly whole: (said: Mocked) => object;
    readonly events?: (said: Mocked) => Iterable<string>;
  };
}

/** What a mocked answer says. */
export interface Mocked {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  readonly text: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Names of members that limit the tokens of an answer, and the least each may say. */
export type OutputLimits = readonly (readonly [name: ReadMember, least: number])[];

/** How an API writes a stream of server-sent events. */
export interface StreamFormat {
  /** May one of these events say something the gate must hear? Cheap, and never wrongly no. */
  readonly mayCarryUsage: (events: Buffer) => boolean;
  /** What one event's data says. `before`: what was said of usage until now. */
  readonly read: (data: Buffer, before: Usage | undefined) => EventContent;
  /** Does one of these events say that no more is written, before the event that tells the usage? */
  readonly saysLastWord: (events: Buffer) => boolean;
  /** There may be several ends, one for each answer: from the first on, everything waits. */
  readonly endsPerAnswer?: true;
  /** Members that carry what a model wrote, in quotes: for a stream that ends without saying what it used. */
  readonly textMembers: readonly QuotedText[];
  /** The event that tells a client why there is no more. */
  readonly failure: (error: StreamError) => string;
}

export interface EventContent {
  /** What was used, by this event and those before. */
  readonly usage?: Usage;
  /** More usage is to come: this is all of it only if no other event says more. */
  readonly usageIsPartial?: true;
  /** The answer is complete with this event: it waits for the commit. */
  readonly ends?: true;
  /** It says nothing but usage. */
  readonly onlyUsage?: true;
}

interface StreamError {
  readonly message: string;
  readonly type: string;
  readonly param: null;
  readonly code: string;
}

/** What a mocked answer says, as a stream says it. */
export const wordsOf = ({ text }: Mocked): readonly string[] => text.match(/\S+\s*/g) ?? [];
