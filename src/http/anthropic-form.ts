import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';

const MESSAGES = /\/messages(?:\/count_tokens)?$/;
const MODELS = /^\/(?:v1\/)?models(?:\/|$)/;

/** Returns whether a client asks for models in Anthropic's form, as LiteLLM decides it. */
export const wantsAnthropicForm = (headers: IncomingHttpHeaders): boolean =>
  headers['anthropic-version'] !== undefined;

/** Returns whether errors of a request have the outer envelope that Anthropic's clients expect. */
export const hasAnthropicErrors = ({ routeOptions: { url = '' }, headers }: FastifyRequest): boolean =>
  MESSAGES.test(url) || (MODELS.test(url) && wantsAnthropicForm(headers));
