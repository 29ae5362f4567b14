import type { IncomingHttpHeaders } from 'node:http';
import type { RouteFacts } from '../policy/facts.js';
import type { PresentedCredential } from './credential.js';
import type { LlmRequest } from './llm-request.js';

/** A request for access: the credential, the route, and what the caller wants to call there. */
export interface AccessRequest {
  readonly presented: PresentedCredential;
  readonly route: RouteFacts;
  /** Headers of the client, from which a refusal reads its user agent. */
  readonly headers: IncomingHttpHeaders;
  /** IP address of the client; undefined if it is not stored. */
  readonly storableAddress?: string | undefined;
  /** `x-litellm-team-id`: the team that a token of several teams acts for. */
  readonly teamId?: string | undefined;
  /** Reads the body. Must not be called before the caller is known. Absent on routes that call no model. */
  readonly llm?: (() => LlmRequest) | undefined;
  /** True for a question about a call. It creates no row and caches nothing under the names of the call. */
  readonly isDryRun?: boolean;
}
