import type { IncomingHttpHeaders } from 'node:http';
import {
  JsonProblem,
  memberValue,
  type ScannedObject,
  scanJsonObject,
  type Watch,
} from '../http/json-scanner.js';
import type { CallSize } from '../policy/bound.js';
import { NOT_PROMPT } from '../tokens/not-prompt.js';
import { requestTags } from './request-tags.js';

/** The families of calls a model answers, by what their bodies mean. LiteLLM `call_type`. */
export type CallType = 'chat_completion' | 'text_completion' | 'embedding';

/** A call's body as the gate reads it: a few members by hand, everything else as bytes. */
export interface LlmRequest {
  readonly callType: CallType;
  readonly bytes: Buffer;
  /** Absent when there is a `problem`. */
  readonly scanned?: ScannedObject;
  readonly problem?: { readonly message: string; readonly param: string | null };
  readonly model?: string;
  /** Every model named as any kind of fallback. */
  readonly namedFallbacks: readonly string[];
  /** Those to try, in order, when the model fails. */
  readonly fallbacks: readonly string[];
  readonly stream: boolean;
  /** The client itself asked for a usage chunk. */
  readonly wantsUsage: boolean;
  readonly size: CallSize;
  readonly endUserId?: string;
  /** Those the request names; its key and team may have more. */
  readonly tags: readonly string[];
  readonly params: Readonly<Record<string, unknown>>;
}

/** What the reader must know beyond the body. */
export interface LlmRequestContext {
  readonly callType: CallType;
  /** The model in the path (`/engines/{model}/…`), decoded. */
  readonly pathModel?: string;
  readonly headers: IncomingHttpHeaders;
  readonly query: string;
  /** Further headers that may name the end user. */
  readonly endUserHeaders: readonly string[];
  /** A request may not name tags of its own. */
  readonly refusesTags?: boolean;
  /** Top-level members the rules ask about. */
  readonly wantedParams: readonly string[];
}

/** Members a client would use to choose the upstream or its credentials. Refused wherever they hide. */
const SMUGGLED = [
  'api_base',
  'base_url',
  'api_key',
  'api_version',
  'extra_headers',
  'model_list',
  'user_config',
  'custom_llm_provider',
  'litellm_params',
  'litellm_params_template',
  'litellm_embedding_config',
  'litellm_credential_name',
  'aws_access_key_id',
  'aws_secret_access_key',
  'aws_session_token',
  'aws_bedrock_runtime_endpoint',
  'aws_sts_endpoint',
  'aws_web_identity_token',
  'vertex_credentials',
  'vertex_project',
  'azure_ad_token',
  'azure_endpoint',
  'langfuse_host',
  'langfuse_secret_key',
  'langsmith_base_url',
  's3_endpoint_url',
] as const;
/** Refused at the top level only: deeper down these words are ordinary data. */
const SMUGGLED_ON_TOP = new Set<string>([
  ...SMUGGLED,
  'headers',
  'organization',
  'mock_response',
  'extra_body',
]);
const SMUGGLING_HEADER = /^x-(?:.*custom-host|litellm-api-base|litellm-base-url|litellm-model)$/;

const MEDIA_NAMES = new Set([
  'image_url',
  'input_image',
  'input_audio',
  'image',
  'file',
  'file_id',
  'audio',
  'source',
  'video_url',
]);

/** What the `type` of a part or a tool call says where everything is in the bytes. Any other part counts as media. */
const PLAIN_TYPES = new Set([
  'text', 'input_text', 'output_text', 'refusal', 'thinking', 'redacted_thinking', 'reasoning', 'summary_text',
  'function', 'function_call', 'function_call_output', 'tool_use', 'tool_result', 'message', 'custom', 'ephemeral',
]); // prettier-ignore

/** Members that carry what people and models say. */
const CONTENT = new Set(['messages', 'input', 'prompt']);

/** Members that may hold a schema: a tool may well have a parameter called `api_key`. */
const SCHEMA_HOLDERS = ['tools', 'functions', 'response_format', 'text'];
const SCHEMAS: ReadonlySet<string> = new Set([
  'parameters',
  'schema',
  'input_schema',
  'json_schema',
  'properties',
]);

const SMUGGLED_NAMES: ReadonlySet<string> = new Set(SMUGGLED);
const PARTS: ReadonlySet<string> = new Set([...MEDIA_NAMES, 'type']);
const WATCH: Watch = {
  names: SMUGGLED_NAMES,
  below: new Map([
    ...[...CONTENT].map((name) => [name, PARTS] as const),
    ...SCHEMA_HOLDERS.map((name) => [name, SMUGGLED_NAMES] as const),
  ]),
  free: SCHEMAS,
};

/** Tools the client or the model runs itself. Others are run by the provider, for fees no token price contains. */
const OWN_TOOLS = new Set(['function', 'custom']);

/** Every member that may name fallbacks; `fallbacks` is what is tried. */
const FALLBACK_MEMBERS = ['fallbacks', 'context_window_fallbacks', 'content_policy_fallbacks'] as const;

/** Members that speak to the gate and are not forwarded. */
export const GATE_MEMBERS: ReadonlySet<string> = new Set([
  ...FALLBACK_MEMBERS,
  'router_settings_override',
  'litellm_metadata',
  'tags',
]);

/** Where a client may name the end user, before everything else that does. */
export const END_USER_HEADER = 'x-litellm-customer-id';

const MAX_COPIES = 128;
/** Far beyond what any model writes, far below what makes money overflow. */
const MAX_OUTPUT_TOKENS = 1_000_000_000;
const MAX_PROMPTS = 10_000;
const MAX_FALLBACKS = 64;
const MAX_MODEL_CHARS = 512;
const MAX_END_USER_CHARS = 1_024;
// A lone surrogate is no character either: it has no UTF-8.
const CONTROL = /[\p{Cc}\p{Cs}]/u;

/** Reads a body. What is wrong with it is a fact (`problem`), so that authentication can speak first. */
export function readLlmRequest(bytes: Buffer, context: LlmRequestContext): LlmRequest {
  const empty = {
    callType: context.callType,
    bytes,
    namedFallbacks: [],
    fallbacks: [],
    tags: [],
    stream: false,
    wantsUsage: false,
    size: {
      inputBytes: bytes.length,
      hasMedia: false,
      copies: 1,
      prompts: 1,
      hasFees: false,
      generates: context.callType !== 'embedding',
    },
    params: {},
  };
  try {
    return { ...empty, ...readScanned(bytes, scanJsonObject(bytes, WATCH), context) };
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error;
    return { ...empty, problem: { message: error.message, param: error.param } };
  }
}

function readScanned(bytes: Buffer, scanned: ScannedObject, context: LlmRequestContext): Partial<LlmRequest> {
  refuseSmuggling(scanned, context);
  const value = (name: string): unknown => {
    const member = scanned.members.get(name);
    return member && memberValue(bytes, member);
  };
  const model = modelOf(value('model'), context);
  const stream = flag('stream', value('stream'));
  const endUserId = endUserOf(value, context);
  const fallbacks = namesIn(value('fallbacks'), 'fallbacks');
  const namedFallbacks = [...new Set([...fallbacks, ...otherFallbacks(value)])];
  if (namedFallbacks.length > MAX_FALLBACKS)
    throw new JsonProblem(`The request names more than ${MAX_FALLBACKS} fallbacks.`, 'fallbacks');
  return {
    scanned,
    stream,
    fallbacks,
    namedFallbacks,
    tags: requestTags(value, context.headers, context.refusesTags ?? false),
    wantsUsage: stream && asksForUsage(value('stream_options')),
    size: sizeOf(bytes, scanned, value, context.callType),
    params: Object.fromEntries(
      context.wantedParams.flatMap((name) => (scanned.members.has(name) ? [[name, value(name)]] : [])),
    ),
    ...(model !== undefined && { model }),
    ...(endUserId !== undefined && { endUserId }),
  };
}

function refuseSmuggling({ members, watched }: ScannedObject, { headers, query }: LlmRequestContext): void {
  const refuse = (name: string, where: string) => {
    throw new JsonProblem(`Rejected Request: ${name} is not allowed in request ${where}.`, name);
  };
  for (const name of members.keys()) if (SMUGGLED_ON_TOP.has(name)) refuse(name, 'body');
  for (const { name } of watched) if (SMUGGLED_NAMES.has(name)) refuse(name, 'body');
  for (const name of Object.keys(headers)) if (SMUGGLING_HEADER.test(name)) refuse(name, 'headers');
  if (query)
    for (const name of new URLSearchParams(query).keys())
      if (SMUGGLED_ON_TOP.has(name)) refuse(name, 'query');
}

function modelOf(inBody: unknown, { pathModel, query }: LlmRequestContext): string | undefined {
  if (inBody !== undefined && (typeof inBody !== 'string' || inBody === '')) {
    throw new JsonProblem('The model must be a non-empty string.', 'model');
  }
  const inQuery = query ? new URLSearchParams(query).getAll('model') : [];
  const named = new Set([inBody, pathModel, ...inQuery].filter((name) => name !== undefined));
  if (named.size > 1)
    throw new JsonProblem('The request names different models in different places.', 'model');
  return plainName(inBody ?? pathModel, 'model', MAX_MODEL_CHARS);
}

/** A name that is kept and written down: short, and without characters that a log or a database would stumble over. */
function plainName<T extends string | undefined>(name: T, param: string, maxChars: number): T {
  if (name !== undefined && (name.length > maxChars || CONTROL.test(name))) {
    throw new JsonProblem(
      `The ${param} must have at most ${maxChars} characters, none of them a control character.`,
      param,
    );
  }
  return name;
}

function endUserOf(
  value: (name: string) => unknown,
  { headers, endUserHeaders }: LlmRequestContext,
): string | undefined {
  for (const header of [END_USER_HEADER, 'x-litellm-end-user-id', ...endUserHeaders]) {
    const id = headers[header];
    if (typeof id === 'string' && id) return plainName(id, 'user', MAX_END_USER_CHARS);
  }
  const user = value('user');
  if (user !== undefined && user !== null && typeof user !== 'string') {
    throw new JsonProblem('The user must be a string.', 'user');
  }
  const inside = (member: unknown, name: string) =>
    member !== null && typeof member === 'object' ? (member as Record<string, unknown>)[name] : undefined;
  const id = [
    user,
    inside(value('litellm_metadata'), 'user'),
    inside(value('metadata'), 'user_id'),
    value('safety_identifier'),
  ].find((candidate) => typeof candidate === 'string' && candidate !== '');
  return plainName(id as string | undefined, 'user', MAX_END_USER_CHARS);
}

/** Fallbacks that are only checked, wherever LiteLLM would look for them. */
function otherFallbacks(value: (name: string) => unknown): string[] {
  const override = value('router_settings_override');
  const metadata = value('metadata');
  const inside = (container: unknown) =>
    container !== null && typeof container === 'object' && !Array.isArray(container)
      ? FALLBACK_MEMBERS.flatMap((name) => namesIn((container as Record<string, unknown>)[name], name))
      : [];
  return [
    ...FALLBACK_MEMBERS.slice(1).flatMap((name) => namesIn(value(name), name)),
    ...inside(override),
    ...inside(metadata),
  ];
}

/** The model names in any of LiteLLM's shapes: `"a"`, `{model: "a"}`, `{primary: ["a"]}`, lists of those. */
function namesIn(shape: unknown, param: string): string[] {
  if (shape === undefined || shape === null) return [];
  if (typeof shape === 'string') return [plainName(shape, param, MAX_MODEL_CHARS)];
  if (Array.isArray(shape)) return shape.flatMap((entry) => namesIn(entry, param));
  if (typeof shape !== 'object') throw new JsonProblem(`The ${param} must be a list of model names.`, param);
  const { model, ...rest } = shape as Record<string, unknown>;
  if (typeof model === 'string') return [plainName(model, param, MAX_MODEL_CHARS)];
  return Object.values(rest)
    .filter((entry) => Array.isArray(entry))
    .flatMap((entry) => namesIn(entry, param));
}

function flag(name: string, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean') throw new JsonProblem(`The ${name} must be true or false.`, name);
  return value;
}

function asksForUsage(options: unknown): boolean {
  return (
    options !== null &&
    typeof options === 'object' &&
    (options as Record<string, unknown>).include_usage === true
  );
}

function sizeOf(
  bytes: Buffer,
  { members, watched }: ScannedObject,
  value: (name: string) => unknown,
  callType: CallType,
): CallSize {
  // A text completion that only echoes its prompt writes nothing.
  const least = callType === 'text_completion' ? 0 : 1;
  const whole = (name: string, most: number, from = 1): number | undefined => {
    const number = value(name);
    if (number === undefined || number === null) return undefined;
    if (typeof number !== 'number' || !Number.isInteger(number) || number < from || number > most) {
      throw new JsonProblem(`The ${name} must be a whole number between ${from} and ${most}.`, name);
    }
    return number;
  };
  let inputBytes = bytes.length;
  for (const [name, { keyStart, valueEnd }] of members)
    if (NOT_PROMPT.has(name)) inputBytes -= valueEnd - keyStart;
  const limits = [
    whole('max_tokens', MAX_OUTPUT_TOKENS, least),
    whole('max_completion_tokens', MAX_OUTPUT_TOKENS),
  ];
  const named = limits.filter((limit) => limit !== undefined);
  const serviceTier = value('service_tier');
  return {
    inputBytes,
    hasMedia: watched.some(
      ({ name, below, text }) =>
        CONTENT.has(below) && (MEDIA_NAMES.has(name) || (name === 'type' && !PLAIN_TYPES.has(text!))),
    ),
    prompts: promptsIn(value(callType === 'embedding' ? 'input' : 'prompt'), callType),
    hasFees: hasFees(value),
    copies: Math.max(whole('n', MAX_COPIES) ?? 1, whole('best_of', MAX_COPIES) ?? 1),
    generates: callType !== 'embedding',
    ...(named.length && { outputTokens: Math.max(...named) }),
    ...(typeof serviceTier === 'string' && { serviceTier }),
  };
}

/** How many prompts one call carries: each may fill the context and is answered by itself. */
function promptsIn(prompt: unknown, callType: CallType): number {
  if (callType === 'chat_completion' || !Array.isArray(prompt) || typeof prompt[0] === 'number') return 1;
  if (prompt.length > MAX_PROMPTS) {
    const param = callType === 'embedding' ? 'input' : 'prompt';
    throw new JsonProblem(`The ${param} must have at most ${MAX_PROMPTS} entries.`, param);
  }
  return Math.max(prompt.length, 1);
}

/** Does the provider charge for tools it runs itself? */
function hasFees(value: (name: string) => unknown): boolean {
  const tools = value('tools');
  return (
    (Array.isArray(tools) &&
      tools.some(
        (tool) => !OWN_TOOLS.has(String((tool as { type?: unknown } | null)?.type ?? 'function')),
      )) ||
    (value('web_search_options') ?? null) !== null
  );
}
