import type { IncomingHttpHeaders } from 'node:http';
import type { ScannedObject } from '../body/json-scanner.js';
import type { CallSize } from '../policy/bound.js';
import type { Price, Usage } from '../policy/price.js';
import type { CallBody } from './call-body.js';
import type { QuotedText } from './json-string-search.js';
import type { ReadMember } from './read-members.js';

/** The JSON object of an upstream's response. Undefined if the response is no object. */
export type ResponseObject = Readonly<Record<string, unknown>> | undefined;

/** The parts of a call on which its price depends. */
export interface PricedCall {
  readonly size: CallSize;
  readonly price: Price | undefined;
}

/** One type of call: everything in which it differs from the other types. */
export interface CallType {
  /** LiteLLM `call_type`. */
  readonly callType: string;
  /** Path below the base of the API. */
  readonly path: string;
  /** True if the body is a form, not JSON. */
  readonly isForm?: true;
  /** Headers of the client to forward. None of them names a host or a credential. */
  readonly forwardedHeaders?: readonly string[];
  /** The `metadata` that the API accepts. Absent: none. Anthropic accepts a `user_id`; OpenAI accepts texts. */
  readonly metadata?: 'user_id' | 'texts' | 'texts if stored';
  /** Returns the maximum size of a call with this body. `headers` are the client's. Throws `MalformedBodyError`. */
  readonly size: (body: CallBody, headers: IncomingHttpHeaders) => CallSize;
  /**
   * Returns the member that limits the output. `chatMember`: the member that this provider reads in a chat. Absent if the
   * API has no such limit.
   */
  readonly limitMember?: (chatMember: string) => string;
  /**
   * Returns the text of the member that limits the output, if the limit is a part of that member. Absent: the limit is its
   * value.
   */
  readonly limitEdit?: (bytes: Buffer, members: ScannedObject['members'], tokens: number) => string;
  /** Returns the member that limits each search tool to `most` searches. Undefined if the client limited them. */
  readonly webSearchCap?: (
    bytes: Buffer,
    members: ScannedObject['members'],
    most: number,
  ) => readonly [ReadMember, string] | undefined;
  /** True if a response names the request's id in the header `request-id`, too, which Anthropic's clients read. */
  readonly hasRequestIdHeader?: true;
  /** True if a stream reports usage only when `stream_options` asks for it. */
  readonly streamsUsageOnRequest?: true;
  /** Returns the usage that a complete response reports. Undefined if it reports none. */
  readonly usage: (response: ResponseObject, call: PricedCall) => Usage | undefined;
  /** Returns the parts of a complete response that the model wrote. They are counted if it reports no usage. */
  readonly writtenParts: (response: ResponseObject) => readonly unknown[];
  /** Estimates the usage of a response without usage, from its number of bytes. Set if the response is more than text. */
  readonly estimate?: (call: PricedCall, responseBytes: number) => Usage;
  /** True if a successful response may be audio or plain text. */
  readonly allowsNonJson?: true;
  readonly stream: StreamFormat;
  /** Builds responses for a deployment's `mock_response`. A call type without `mock` cannot be mocked. */
  readonly mock?: {
    readonly whole: (content: MockContent) => object;
    readonly events?: (content: MockContent) => Iterable<string>;
  };
}

/** Content of a mocked response. */
export interface MockContent {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  readonly text: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Members that limit the output tokens, each with its minimum, and with the value that means no limit. */
export type OutputLimits = readonly (readonly [name: ReadMember, minimum: number, unlimited?: number])[];

/** llama.cpp's value for no limit, which clients send to any server with OpenAI's API. */
export const UNLIMITED = -1;

/** The format in which an API writes a stream of server-sent events. */
export interface StreamFormat {
  /** Returns whether one of these events may carry usage or the end. Must be cheap. May be wrong only if it returns true. */
  readonly mayCarryUsage: (events: Buffer) => boolean;
  /** Reads the data of one event. `before`: the usage that earlier events reported. */
  readonly read: (data: Buffer, before: Usage | undefined) => EventContent;
  /** Returns whether one of these events ends the text, before the event that reports the usage. */
  readonly hasFinalText: (events: Buffer) => boolean;
  /** True if a stream may have several ends, one for each output. Everything from the first end on is withheld. */
  readonly hasSeveralEnds?: true;
  /** True if each event reports the usage so far, hidden reasoning included. */
  readonly countsAsItGoes?: true;
  /** Members whose string values carry the model's text. They are counted if a stream reports no usage. */
  readonly textMembers: readonly QuotedText[];
  /** Returns the event that reports an error to the client. */
  readonly failure: (error: StreamError) => string;
}

export interface EventContent {
  /** Usage by this event and the events before it. */
  readonly usage?: Usage;
  /** True if a later event may report more usage. */
  readonly usageIsPartial?: true;
  /** True if this event ends the output. It is withheld until the cost is committed. */
  readonly ends?: true;
  /** True if this event reports that the output failed. */
  readonly fails?: true;
  /** The `id` of the answer, if the event was parsed and has it. */
  readonly answerId?: string | undefined;
  /** True if the event carries only usage. */
  readonly onlyUsage?: true;
}

export interface StreamError {
  readonly message: string;
  readonly type: string;
  readonly param: null;
  readonly code: string;
}

/** Splits the text of a mocked response into words, as a stream sends it. */
export const wordsIn = ({ text }: MockContent): readonly string[] => text.match(/\S+\s*/g) ?? [];
