import type { IncomingHttpHeaders } from 'node:http';

/** Returns whether a client asks for models in Anthropic's form, as LiteLLM decides it. */
export const wantsAnthropicForm = (headers: IncomingHttpHeaders): boolean =>
  headers['anthropic-version'] !== undefined;
