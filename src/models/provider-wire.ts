import type { WireName } from '../config/cloud-routes.js';

/** A call as a provider's own API takes it. */
export interface WiredCall {
  /** The path of the call's type. */
  readonly path: string;
  readonly stream: boolean;
  /** The model's name and its id in paths. */
  readonly model: string;
  readonly modelId: string;
  /** Path before the route. */
  readonly basePath: string;
  /** Returns a text member of the body. */
  readonly text: (name: string) => unknown;
}

/** How a provider's own API takes calls whose bodies have the form of another API: at another path, with a few other members. */
interface ProviderWire {
  readonly path: (call: WiredCall) => string;
  /** Sets members of the body, as JSON, or removes them by null. Changes headers that the provider takes elsewhere. */
  readonly edit?: (
    call: WiredCall,
    edits: Map<string, string | null>,
    headers: Record<string, string>,
  ) => void;
}

const VERTEX_VERSION = '"vertex-2023-10-16"';
const BEDROCK_VERSION = '"bedrock-2023-05-31"';

/** Betas of Anthropic that both clouds document. Others are refused there as a whole call. */
const BETAS_OF_BOTH = [
  'compact-2026-01-12',
  'computer-use-2024-10-22',
  'computer-use-2025-01-24',
  'computer-use-2025-11-24',
  'context-1m-2025-08-07',
  'context-management-2025-06-27',
  'interleaved-thinking-2025-05-14',
  'tool-search-tool-2025-10-19',
];
const VERTEX_BETAS = new Set([...BETAS_OF_BOTH, 'claude-code-20250219', 'web-search-2025-03-05']);
const BEDROCK_BETAS = new Set([
  ...BETAS_OF_BOTH,
  'dev-full-thinking-2025-05-14',
  'effort-2025-11-24',
  'fine-grained-tool-streaming-2025-05-14',
  'output-128k-2025-02-19',
  'token-efficient-tools-2025-02-19',
  'tool-examples-2025-10-29',
]);
/** The clouds' name of a beta that Anthropic's own API calls otherwise. */
const RENAMED_BETAS: Readonly<Record<string, string>> = {
  'advanced-tool-use-2025-11-20': 'tool-search-tool-2025-10-19',
};

/** Returns the betas of a header that a cloud takes. */
const betasIn = (header: string | undefined, known: ReadonlySet<string>): readonly string[] => {
  const asked = (header ?? '').split(',').map((beta) => beta.trim());
  return [...new Set(asked.map((beta) => RENAMED_BETAS[beta] ?? beta))].filter((beta) => known.has(beta));
};

/** Leaves out the tier that means no choice: the clouds have no tiers by this name. */
function dropTier({ text }: WiredCall, edits: Map<string, string | null>): void {
  const tier = text('service_tier');
  if (tier === 'auto' || tier === 'standard_only') edits.set('service_tier', null);
}

const WIRES: Readonly<Record<WireName, ProviderWire>> = {
  azureClaude: { path: ({ basePath, path }) => basePath + path },
  gemini: {
    path: (call) =>
      isOfGemini(call)
        ? `${call.basePath.replace(/\/openai$/, '')}/models/${geminiTarget(call)}`
        : call.basePath + call.path,
    edit(call, _, headers) {
      const { authorization } = headers;
      if (!isOfGemini(call) || authorization === undefined) return;
      headers['x-goog-api-key'] = authorization.replace(/^Bearer /, '');
      delete headers.authorization;
    },
  },
  vertexClaude: {
    path: ({ basePath, path, stream, modelId }) => {
      const models = `${basePath}/publishers/anthropic/models`;
      if (path === '/messages/count_tokens') return `${models}/count-tokens:rawPredict`;
      return `${models}/${encodedId(modelId)}:${stream ? 'streamRawPredict' : 'rawPredict'}`;
    },
    edit(call, edits, headers) {
      if (call.path !== '/messages/count_tokens') edits.set('model', null);
      edits.set('anthropic_version', VERTEX_VERSION);
      dropTier(call, edits);
      const betas = betasIn(headers['anthropic-beta'], VERTEX_BETAS);
      if (betas.length) headers['anthropic-beta'] = betas.join(',');
      else delete headers['anthropic-beta'];
    },
  },
  vertexGemini: {
    path: (call) =>
      isOfGemini(call)
        ? `${call.basePath}/publishers/google/models/${geminiTarget(call)}`
        : openApiPath(call),
    edit(call, edits) {
      if (!isOfGemini(call)) edits.set('model', JSON.stringify(`google/${call.model}`));
    },
  },
  vertexPartner: { path: openApiPath },
  bedrockClaude: {
    path: (call) => {
      const { basePath, path, stream, modelId } = call;
      return path === '/converse'
        ? conversePath(call)
        : `${basePath}/model/${encodeURIComponent(modelId)}/invoke${stream ? '-with-response-stream' : ''}`;
    },
    edit(call, edits, headers) {
      if (call.path === '/converse') return;
      edits.set('model', null);
      edits.set('stream', null);
      edits.set('anthropic_version', BEDROCK_VERSION);
      dropTier(call, edits);
      const betas = betasIn(headers['anthropic-beta'], BEDROCK_BETAS);
      if (betas.length) edits.set('anthropic_beta', JSON.stringify(betas));
      delete headers['anthropic-beta'];
      delete headers['anthropic-version'];
    },
  },
  bedrock: { path: conversePath },
  messagesBelowAnthropic: {
    path: ({ basePath, path }) =>
      path === '/messages'
        ? `${basePath.replace(/\/(?:v1|beta|(?:coding\/)?paas\/v4)$/, '')}/anthropic/v1/messages`
        : basePath + path,
    edit: addMessagesHeaders,
  },
  messagesBeside: {
    path: ({ basePath, path }) =>
      path === '/messages' ? `${basePath.replace(/\/v1$/, '')}/v1/messages` : basePath + path,
    edit: addMessagesHeaders,
  },
  // Only reranking has the path of Cohere's own API. Its API of OpenAI's form is beside it.
  cohere: {
    path: ({ basePath, path }) =>
      path === '/rerank' ? basePath + path : `${basePath.replace(/\/v2$/, '/compatibility/v1')}${path}`,
  },
};

/** Adds the headers of Anthropic's API. These makers' documents name either header for the key. */
function addMessagesHeaders(
  { path }: WiredCall,
  _: Map<string, string | null>,
  headers: Record<string, string>,
): void {
  if (path !== '/messages') return;
  const { authorization } = headers;
  headers['anthropic-version'] ??= '2023-06-01';
  if (authorization !== undefined) headers['x-api-key'] ??= authorization.replace(/^Bearer /, '');
}

function conversePath({ basePath, stream, modelId }: WiredCall): string {
  return `${basePath}/model/${encodeURIComponent(modelId)}/converse${stream ? '-stream' : ''}`;
}

const GEMINI_PATHS = new Set(['/generateContent', '/countTokens', '/embedContent']);

function isOfGemini({ path }: WiredCall): boolean {
  return GEMINI_PATHS.has(path);
}

/** Returns model and action. A stream always comes as server-sent events. */
function geminiTarget({ path, stream, modelId }: WiredCall): string {
  return `${encodedId(modelId)}:${stream ? 'streamGenerateContent?alt=sse' : path.slice(1)}`;
}

function openApiPath({ basePath, path }: WiredCall): string {
  return `${basePath}/endpoints/openapi${path}`;
}

/** Encodes an id for a path of Google's, where `@` and `:` stay. */
const encodedId = (id: string) => encodeURIComponent(id).replaceAll('%40', '@');

export const wireOf = (name: WireName): ProviderWire => WIRES[name];
