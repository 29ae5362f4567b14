import { googleStatus } from './google-status.js';

const BEDROCK_PATH = /^\/bedrock\//;
const GOOGLE_PATH = /^\/(?:gemini\/v1(?:beta)?|v1beta)\/models\/|^\/vertex[_-]ai\//;
const CLAUDE_ACTION = /:(?:streamRawPredict|rawPredict)(?:\?|$)/;

/** Tells whether a path is a native route of Claude at Vertex AI, whose clients are Anthropic's. */
export const isVertexClaude = (url: string): boolean => GOOGLE_PATH.test(url) && CLAUDE_ACTION.test(url);

/** AWS's names of errors by status. */
const AWS_TYPES: Readonly<Record<number, string>> = {
  400: 'ValidationException',
  401: 'UnrecognizedClientException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  408: 'ModelTimeoutException',
  413: 'ValidationException',
  422: 'ValidationException',
  424: 'ModelErrorException',
  429: 'ThrottlingException',
  503: 'ServiceUnavailableException',
  504: 'ModelTimeoutException',
};

/** An error in the words of a cloud's own clients. */
interface NativeError {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

/** The gateway's envelope. */
interface Envelope {
  readonly error: { readonly message: string; readonly type: string; readonly details: object };
}

/** Returns an error as clients of the API behind this path read it. Undefined if the path is no native route. */
export function nativeError(url: string, status: number, envelope: Envelope): NativeError | undefined {
  const { message, type, details } = envelope.error;
  if (BEDROCK_PATH.test(url))
    return {
      headers: { 'x-amzn-errortype': AWS_TYPES[status] ?? 'InternalServerException' },
      body: { message, ...envelope },
    };
  if (!GOOGLE_PATH.test(url) || isVertexClaude(url)) return undefined;
  const info = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: type,
    domain: 'tollgate',
    ...details,
  };
  return {
    headers: {},
    body: { error: { code: status, message, status: googleStatus(status), details: [info] } },
  };
}
