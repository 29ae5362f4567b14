import type { IncomingHttpHeaders } from 'node:http';
import { type ScannedForm, scanForm } from '../body/form-scanner.js';
import { MalformedBodyError, type ScannedObject, scanJsonObject, type Watch } from '../body/json-scanner.js';
import { FORBIDDEN_PARAM_NAMES } from '../config/forbidden-names.js';
import { CallBody } from '../call-types/call-body.js';
import { CONTENT, MEDIA_NAMES } from '../call-types/media.js';
import { moderation } from '../call-types/moderation.js';
import type { CallType } from '../call-types/call-type.js';
import type { NativeRoute, NativeForm } from '../call-types/native-routes.js';
import { FormBody } from '../call-types/form-body.js';
import type { ReadMember } from '../call-types/read-members.js';
import { areDroppedMembers, dropFlag } from '../config/call-defaults.js';
import { utf8Header } from '../http/utf8-header.js';
import type { CallOrigin } from '../ledger/call-origin.js';
import type { CallSize } from '../policy/bound.js';
import { hasBlankEnds, MAX_NAME_CHARS } from '../policy/model-list.js';
import { isName, MAX_NAME_BYTES } from '../policy/name.js';
import { type CallHeaders, callHeaders } from './call-headers.js';
import { providerMetadata } from './provider-metadata.js';
import { agentIdentity } from './agent-identity.js';
import { readCallOrigin } from './read-call-origin.js';
import { requestTags } from './request-tags.js';
import { foldedName, refuseLookalikes } from './member-names.js';
import { rejectForbiddenParams } from './forbidden-params.js';

/** Body of a call as the gateway reads it: a few parsed members, and everything else as bytes. */
export interface LlmRequest {
  readonly kind: CallType;
  readonly bytes: Buffer;
  /** Absent when there is a `problem`. */
  readonly scanned?: ScannedObject | ScannedForm;
  readonly problem?: { readonly message: string; readonly param: string | null };
  readonly model?: string;
  /**
   * True if the model differs from the body's `model`. The body is then rewritten, even if the upstream uses the same name.
   */
  readonly rewritesModel?: boolean;
  /** Every model that the request names as a fallback of any kind. */
  readonly allFallbacks: readonly string[];
  /** Models to try in this order, when the model fails. */
  readonly fallbacks: readonly string[];
  readonly stream: boolean;
  /** True if the client itself asked for a usage chunk. */
  readonly includeUsage: boolean;
  readonly size: CallSize;
  readonly endUserId?: string;
  /** The origin that the call names. Absent if it names none. */
  readonly origin?: CallOrigin;
  /** Tags that the request names. Its key and team may add more. */
  readonly tags: readonly string[];
  readonly params: Readonly<Record<string, unknown>>;
  /** The `metadata` to forward, as JSON; null to forward none. Absent if the client's bytes are forwarded. */
  readonly forwardedMetadata?: string | null;
  /** Members that the client itself asks to leave out of the body. Absent if it asks for nothing. */
  readonly drops?: MemberDrops;
  /** Members that the operator set in this body. They are sent, even if they look like members for the gateway. */
  readonly operatorNames?: ReadonlySet<string>;
  /** The native route, and the query of its path. Absent at all other routes. */
  readonly native?: { readonly form: NativeForm; readonly query: string };
  /** Headers of the client, on which the size of a call may depend. */
  readonly headers: IncomingHttpHeaders;
  /** Requests to the gateway in LiteLLM's headers. Absent if there are none. */
  readonly callHeaders?: CallHeaders;
  /** Headers of the client that are forwarded to the upstream. */
  readonly forwardedHeaders?: Readonly<Record<string, string>>;
}

/** LiteLLM's `drop_params` and `additional_drop_params` in the body of a call. */
interface MemberDrops {
  /** True to leave out what the model does not support, false to forward it. Absent: as its deployment says. */
  readonly unsupported?: boolean;
  /** Names, or paths to nested members. */
  readonly members: readonly string[];
}

/** Everything that the reader needs beyond the body. */
export interface LlmRequestContext {
  readonly kind: CallType;
  /** The decoded model in the path (`/engines/{model}/…`). */
  readonly pathModel?: string;
  /** True if the path alone names the model, whatever the body says, as for Azure's clients. */
  readonly pathDecides?: boolean;
  /** Set at a native route. */
  readonly native?: NativeRoute;
  readonly headers: IncomingHttpHeaders;
  /** Set if the body came over HTTP. A form route then requires a form. */
  readonly contentType?: string;
  readonly query: string;
  readonly settings: ReadingSettings;
}

/** Settings of this gateway for the reading of bodies. */
export interface ReadingSettings {
  /** Further headers that may name the end user. */
  readonly endUserHeaders: readonly string[];
  /** True if a request may not name tags. */
  readonly refusesTags: boolean;
  /** Top-level members that the rules read. */
  readonly wantedParams: readonly string[];
}

/** Members that may contain a schema. A tool may have a parameter called `api_key`. */
const SCHEMA_HOLDERS = ['tools', 'functions', 'response_format', 'text'];
const SCHEMAS: ReadonlySet<string> = new Set([
  'parameters',
  'schema',
  'input_schema',
  'json_schema',
  'properties',
  // Arguments of a tool call.
  'input',
  'input_examples',
]);

const PARTS: ReadonlySet<string> = new Set([...MEDIA_NAMES, 'type']);
const WATCH: Watch = {
  names: FORBIDDEN_PARAM_NAMES,
  below: new Map([
    ...[...CONTENT].map((name) => [name, PARTS] as const),
    ...SCHEMA_HOLDERS.map((name) => [name, FORBIDDEN_PARAM_NAMES] as const),
  ]),
  free: SCHEMAS,
  unique: new Set<ReadMember>([
    'tools',
    'search_parameters',
    'context_management',
    'thinking',
    'reasoning',
    'generationConfig',
    'inferenceConfig',
    'additionalModelRequestFields',
  ]),
};

/** Members that may name fallbacks. Only `fallbacks` are tried. */
const FALLBACK_MEMBERS = ['fallbacks', 'context_window_fallbacks', 'content_policy_fallbacks'] as const;

/** Header that may name the end user. It takes precedence over all other places. */
export const END_USER_HEADER = 'x-litellm-customer-id';

const MAX_FALLBACKS = 64;
const MAX_END_USER_CHARS = MAX_NAME_BYTES;

/** Reads a body. A defect becomes a fact (`problem`) instead of an error, so that authentication is refused first. */
export function readLlmRequest(bytes: Buffer, context: LlmRequestContext): LlmRequest {
  const { kind, contentType, headers } = context;
  try {
    return readBody(bodyOf(bytes, kind.isForm ? contentType : undefined), context);
  } catch (error) {
    if (!(error instanceof MalformedBodyError)) throw error;
    return { ...nothingRead(kind, bytes, headers), problem: { message: error.message, param: error.param } };
  }
}

/** Scans a body: a form if its `contentType` is set. */
const bodyOf = (bytes: Buffer, contentType: string | undefined): CallBody =>
  contentType !== undefined
    ? new FormBody(bytes, watchedForm(bytes, scanForm(bytes, contentType)))
    : new CallBody(bytes, scanJsonObject(bytes, WATCH));

/**
 * Returns the call with another body, whose size counts. Who calls, which model is called, and how it answers stay as the
 * client sent them. Throws `MalformedBodyError`.
 */
export function withBody(llm: LlmRequest, bytes: Buffer, operatorNames: ReadonlySet<string>): LlmRequest {
  const { kind, headers, stream, scanned } = llm;
  const isForm = scanned !== undefined && 'delimiter' in scanned;
  const body = bodyOf(bytes, isForm ? String(headers['content-type']) : undefined);
  const { forwardedMetadata: _, ...rest } = llm;
  const metadata = operatorNames.has('metadata') ? undefined : forwardedMetadata(body, kind);
  return {
    ...rest,
    bytes,
    scanned: body.scanned,
    size: kind.size(body, headers),
    includeUsage: stream && asksForUsage(body.value('stream_options')),
    operatorNames,
    ...(metadata !== undefined && { forwardedMetadata: metadata }),
  };
}

/** Returns the top-level members of a body that these dotted paths begin with. */
export function readParams(
  { bytes, scanned }: LlmRequest,
  paths: readonly string[],
): Readonly<Record<string, unknown>> {
  if (!scanned) return {};
  const body = 'files' in scanned ? new FormBody(bytes, scanned) : new CallBody(bytes, scanned);
  const names = [...new Set(paths.map((path) => path.split('.')[0]!))];
  return Object.fromEntries(
    names.filter((name) => scanned.members.has(name)).map((name) => [name, body.member(name)]),
  );
}

const nothingRead = (kind: CallType, bytes: Buffer, headers: IncomingHttpHeaders): LlmRequest => ({
  kind,
  bytes,
  headers,
  allFallbacks: [],
  fallbacks: [],
  tags: [],
  stream: false,
  includeUsage: false,
  size: {
    inputBytes: bytes.length,
    hasMedia: false,
    copies: 1,
    prompts: 1,
    generates: true,
  },
  params: {},
});

/** Form fields with text of the user. They are texts, even if they look like JSON. */
const WRITTEN = new Set(['prompt', 'instructions', 'input']);
const BRACES: ReadonlySet<number | undefined> = new Set([0x7b, 0x5b]);

/** Returns the form with the member names inside its JSON fields, so that the scan for forbidden names covers them. */
function watchedForm(bytes: Buffer, form: ScannedForm): ScannedForm {
  const watched = [...form.members].flatMap(([name, { valueStart, valueEnd }]) => {
    if (WRITTEN.has(name) || !BRACES.has(bytes[valueStart])) return [];
    const value = bytes.subarray(valueStart, valueEnd);
    return scanJsonObject(Buffer.concat([Buffer.from(`{${JSON.stringify(name)}:`), value, CLOSING]), WATCH)
      .watched;
  });
  return { ...form, watched };
}

const CLOSING = Buffer.from('}');

function readBody(body: CallBody, context: LlmRequestContext): LlmRequest {
  const { scanned, bytes } = body;
  const { kind, headers, settings } = context;
  refuseLookalikes(body.names);
  rejectForbiddenParams(scanned, context);
  refuseOtherModels(body);
  const value = (name: ReadMember) => body.value(name);
  // A moderation may leave its model open, by null, too.
  const inBody = kind === moderation ? (value('model') ?? undefined) : value('model');
  const model = modelOf(inBody, context);
  const stream = context.native ? context.native.streams : body.flag('stream');
  const endUserId = endUserOf(value, context);
  const fallbacks = namesIn(value('fallbacks'), 'fallbacks');
  const allFallbacks = [...new Set([...fallbacks, ...otherFallbacks(value)])];
  if (allFallbacks.length > MAX_FALLBACKS)
    throw new MalformedBodyError(`The request names more than ${MAX_FALLBACKS} fallbacks.`, 'fallbacks');
  const params: Record<string, unknown> = {};
  for (const name of settings.wantedParams) if (scanned.members.has(name)) params[name] = body.member(name);
  const request: { -readonly [Name in keyof LlmRequest]: LlmRequest[Name] } = {
    kind,
    bytes,
    scanned,
    stream,
    fallbacks,
    allFallbacks,
    tags: requestTags(value, headers, settings.refusesTags),
    includeUsage: stream && asksForUsage(value('stream_options')),
    size: kind.size(body, headers),
    params,
    headers,
  };
  // A spread of absent members would cost more than reading the body.
  if (model !== undefined) request.model = model;
  if (model !== inBody) request.rewritesModel = true;
  if (endUserId !== undefined) request.endUserId = endUserId;
  const origin = readCallOrigin(headers, body);
  if (origin) request.origin = origin;
  const metadata = forwardedMetadata(body, kind);
  if (metadata !== undefined) request.forwardedMetadata = metadata;
  if (body.has('drop_params') || body.has('additional_drop_params')) {
    const drops = dropsIn(body);
    if (drops) request.drops = drops;
  }
  if (context.native) request.native = { form: context.native.form, query: context.query };
  const asked = callHeaders(headers, settings.endUserHeaders);
  if (asked) request.callHeaders = asked;
  const passed = passedHeaders(context);
  if (passed) request.forwardedHeaders = passed;
  return request;
}

/** Returns the `metadata` to forward if it differs from that of the body. */
function forwardedMetadata(body: CallBody, { metadata: accepted }: CallType): string | null | undefined {
  if (!body.has('metadata')) return undefined;
  const metadata = body.value('metadata');
  const forwarded = providerMetadata(accepted, metadata, body.value('store') === true);
  if (forwarded === null) return null;
  return forwarded === metadata ? undefined : JSON.stringify(forwarded);
}

/** Reads what the client asks to leave out. */
function dropsIn(body: CallBody): MemberDrops | undefined {
  const flag = body.value('drop_params') ?? undefined;
  const unsupported = dropFlag(flag);
  if (flag !== undefined && unsupported === undefined)
    throw new MalformedBodyError('The drop_params must be true or false.', 'drop_params');
  const members = body.value('additional_drop_params') ?? [];
  const areNames = Array.isArray(members) && members.every((name) => typeof name === 'string');
  if (!areNames || !areDroppedMembers(members))
    throw new MalformedBodyError(
      'The additional_drop_params must be a list of a few names of members.',
      'additional_drop_params',
    );
  if (unsupported === undefined && !members.length) return undefined;
  return { members, ...(unsupported !== undefined && { unsupported }) };
}

/** Returns the client's headers that the API reads, or the content type of a form, which has its boundary. */
function passedHeaders({ kind, headers, contentType }: LlmRequestContext): LlmRequest['forwardedHeaders'] {
  if (kind.isForm && contentType !== undefined) return { 'content-type': contentType };
  const passed = kind.forwardedHeaders?.map((name) => [name, headers[name]]);
  return passed && Object.fromEntries(passed.filter(([, value]) => typeof value === 'string'));
}

/** Refuses `providerOptions.gateway`, in which Vercel's gateway accepts other models and providers with other prices. */
function refuseOtherModels(body: CallBody): void {
  const options = body.value('providerOptions') ?? {};
  if (typeof options !== 'object' || Array.isArray(options))
    throw new MalformedBodyError('The providerOptions must be an object.', 'providerOptions');
  if (Object.keys(options).some((name) => foldedName(name) === 'gateway'))
    throw new MalformedBodyError(
      'Rejected Request: providerOptions.gateway is not allowed in request body: it could name another model than the one that was checked.',
      'providerOptions',
    );
}

function modelOf(
  inBody: unknown,
  { pathModel, pathDecides, query }: Pick<LlmRequestContext, 'pathModel' | 'pathDecides' | 'query'>,
): string | undefined {
  if (pathDecides && pathModel !== undefined) return modelOf(undefined, { pathModel, query });
  if (inBody !== undefined && (typeof inBody !== 'string' || inBody === '')) {
    throw new MalformedBodyError('The model must be a non-empty string.', 'model');
  }
  const inQuery = query ? new URLSearchParams(query).getAll('model') : [];
  const modelNames = new Set([inBody, pathModel, ...inQuery].filter((name) => name !== undefined));
  if (modelNames.size > 1)
    throw new MalformedBodyError('The request names different models in different places.', 'model');
  return modelName(inBody ?? pathModel, 'model');
}

/**
 * Checks the name of a model. Refuses blanks at its ends, because a wildcard could match another model than the one meant.
 */
function modelName<T extends string | undefined>(name: T, param: string): T {
  if (name !== undefined && hasBlankEnds(name))
    throw new MalformedBodyError(
      `The ${param} must name models without blanks at the ends of their names.`,
      param,
    );
  return plainName(name, param, MAX_NAME_CHARS);
}

/** Checks a name that is stored and logged: short, and without control characters. */
function plainName<T extends string | undefined>(name: T, param: string, maxChars: number): T {
  if (name !== undefined && (name.length > maxChars || !isName(name))) {
    throw new MalformedBodyError(
      `The ${param} must have at most ${maxChars} characters and ${MAX_NAME_BYTES} bytes, none of them a control character.`,
      param,
    );
  }
  return name;
}

function endUserOf(
  value: (name: ReadMember) => unknown,
  { headers, settings: { endUserHeaders } }: LlmRequestContext,
): string | undefined {
  for (const header of [END_USER_HEADER, 'x-litellm-end-user-id', ...endUserHeaders]) {
    const id = headers[header];
    if (typeof id === 'string' && id) return plainName(utf8Header(id), 'user', MAX_END_USER_CHARS);
  }
  const sent = value('user');
  const user = endUserText(sent);
  if (sent !== undefined && sent !== null && user === undefined) {
    throw new MalformedBodyError('The user must be a string or a whole number.', 'user');
  }
  const inside = (member: unknown, name: string) =>
    member !== null && typeof member === 'object'
      ? endUserText((member as Record<string, unknown>)[name])
      : undefined;
  const id =
    user ||
    inside(value('litellm_metadata'), 'user') ||
    inside(value('metadata'), 'user_id') ||
    endUserText(value('safety_identifier')) ||
    undefined;
  return plainName(id, 'user', MAX_END_USER_CHARS);
}

/**
 * Reads the name of an end user. A whole number is one, too, as in LiteLLM. A coding agent names an account and a session:
 * the account is the end user, or every session would have a budget of its own.
 */
const endUserText = (sent: unknown): string | undefined =>
  typeof sent === 'string'
    ? (agentIdentity(sent)?.account ?? sent)
    : Number.isSafeInteger(sent)
      ? String(sent)
      : undefined;

/** Returns the fallbacks that are only checked and never tried, from every place where LiteLLM reads them. */
function otherFallbacks(value: (name: ReadMember) => unknown): string[] {
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

/** Returns the model names in any of LiteLLM's shapes: `"a"`, `{model: "a"}`, `{primary: ["a"]}`, lists of those. */
function namesIn(shape: unknown, param: string): string[] {
  if (shape === undefined || shape === null) return [];
  if (typeof shape === 'string') return [modelName(shape, param)];
  if (Array.isArray(shape)) return shape.flatMap((entry) => namesIn(entry, param));
  if (typeof shape !== 'object')
    throw new MalformedBodyError(`The ${param} must be a list of model names.`, param);
  const { model, ...rest } = shape as Record<string, unknown>;
  if (typeof model === 'string') return [modelName(model, param)];
  return Object.values(rest)
    .filter((entry) => Array.isArray(entry))
    .flatMap((entry) => namesIn(entry, param));
}

function asksForUsage(options: unknown): boolean {
  return (
    options !== null &&
    typeof options === 'object' &&
    (options as Record<string, unknown>).include_usage === true
  );
}
