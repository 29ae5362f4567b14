import type { IncomingMessage } from 'node:http';

const PREFIX = '/openai';
/** Paths below the prefix that name no deployment: those with a version, and what Azure's older clients call without one. */
const UNNAMED = /^\/openai\/(?:v1\/|(?:models|responses)(?=[/?]|$))/;

/**
 * Returns the address of a request as it is routed. `/openai/v1/…`, where Azure's clients call OpenAI's API, is the same route
 * as `/v1/…`, and `/openai/models` and `/openai/responses` are `/models` and `/responses`, so that lists of routes need one
 * spelling.
 */
export const withoutOpenAiPrefix = ({ url = '/' }: Pick<IncomingMessage, 'url'>): string =>
  url.startsWith(PREFIX) && UNNAMED.test(url) ? url.slice(PREFIX.length) : url;
