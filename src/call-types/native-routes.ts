import type { CallType } from './call-type.js';
import { converse } from './converse.js';
import { embedContent, generateContent, geminiTokenCount } from './generate-content.js';
import { messages } from './messages.js';
import { tokenCount } from './token-count.js';

/** The form in which a native route takes bodies and gives answers. */
export type NativeForm = 'bedrockInvoke' | 'bedrockConverse' | 'vertexClaude' | 'gemini';

/** A native route: one of a provider's own API. Its path has the model and says whether the answer is a stream. */
export interface NativeRoute {
  readonly form: NativeForm;
  readonly kind: CallType;
  readonly streams: boolean;
}

/** Paths of the native routes, as the router knows them. Each target is `<model>:<action>`. */
export const NATIVE_PATHS = {
  bedrock: ['invoke', 'invoke-with-response-stream', 'converse', 'converse-stream'].map(
    (action) => `bedrock/model/:model/${action}`,
  ),
  gemini: ['gemini/v1beta', 'v1beta', 'gemini/v1'].map((version) => `${version}/models/:target`),
  vertex: ['vertex_ai', 'vertex-ai'].flatMap((prefix) =>
    ['v1', 'v1beta1'].map(
      (version) =>
        `${prefix}/${version}/projects/:project/locations/:location/publishers/:publisher/models/:target`,
    ),
  ),
};

const TEMPLATES: ReadonlySet<string> = new Set(
  Object.values(NATIVE_PATHS)
    .flat()
    .map((path) => `/${path}`),
);

/** Tells whether a route of the router is a native route. */
export const isNativeRoute = (route: string): boolean => TEMPLATES.has(route);

const route = (form: NativeForm, kind: CallType, streams = false): NativeRoute => ({ form, kind, streams });

const BEDROCK: Readonly<Record<string, NativeRoute>> = {
  invoke: route('bedrockInvoke', messages),
  'invoke-with-response-stream': route('bedrockInvoke', messages, true),
  converse: route('bedrockConverse', converse),
  'converse-stream': route('bedrockConverse', converse, true),
};
const GEMINI: Readonly<Record<string, NativeRoute>> = {
  generateContent: route('gemini', generateContent),
  streamGenerateContent: route('gemini', generateContent, true),
  countTokens: route('gemini', geminiTokenCount),
  embedContent: route('gemini', embedContent),
};
const VERTEX: Readonly<Record<string, NativeRoute>> = {
  ...GEMINI,
  rawPredict: route('vertexClaude', messages),
  streamRawPredict: route('vertexClaude', messages, true),
};
const COUNT = route('vertexClaude', tokenCount);

const own = (routes: Readonly<Record<string, NativeRoute>>, action: string) =>
  Object.hasOwn(routes, action) ? routes[action] : undefined;

/** A call at a native route: the model that its path names. Absent if the body names it. */
export interface NativeCall extends NativeRoute {
  readonly model?: string;
}

/** Returns the native route of a path whose parameters have their values. Undefined if there is none. */
export function nativeRouteAt(path: string): NativeCall | undefined {
  const bedrock = /^\/bedrock\/model\/([^/]+)\/([a-z-]+)$/.exec(path);
  if (bedrock) return withModel(own(BEDROCK, bedrock[2]!), bedrock[1]!);
  const [, publisher, target] = /(?:\/publishers\/([^/]+))?\/models\/([^/]+)$/.exec(path) ?? [];
  if (target === undefined) return undefined;
  const colon = target.lastIndexOf(':');
  const [model, action] = [target.slice(0, Math.max(colon, 0)), target.slice(colon + 1)];
  if (publisher === undefined) return withModel(own(GEMINI, action), model);
  // Anthropic's count names its model in the body.
  if (model === 'count-tokens' && action === 'rawPredict') return COUNT;
  return withModel(own(VERTEX, action), model);
}

function withModel(found: NativeRoute | undefined, escaped: string): NativeCall | undefined {
  const model = decoded(escaped);
  return found && model ? { ...found, model } : undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
