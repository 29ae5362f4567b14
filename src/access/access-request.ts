import type { RouteFacts } from '../policy/facts.js';
import type { PresentedCredential } from './credential.js';
import type { LlmRequest } from './llm-request.js';

/** A request for access: a credential, the route it asks for, and what it wants to call there. */
export interface AccessRequest {
  readonly presented: PresentedCredential;
  readonly route: RouteFacts;
  /** `x-litellm-team-id`: the team that a token of several teams is to act for. */
  readonly teamId?: string | undefined;
  /** Reads the body; called only once the caller is known. Absent on routes that call no model. */
  readonly llm?: (() => LlmRequest) | undefined;
  /** A question about a call: no row is created for it and nothing is cached by its names. */
  readonly isDryRun?: boolean;
}
