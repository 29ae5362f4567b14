import type { IncomingMessage } from 'node:http';

const PREFIX = '/openai';

/**
 * Returns the address of a request as it is routed. `/openai/v1/…`, where Azure's clients call OpenAI's API, is the same route
 * as `/v1/…`, so that lists of routes need one spelling.
 */
export const withoutOpenAiPrefix = ({ url = '/' }: Pick<IncomingMessage, 'url'>): string =>
  url.startsWith(`${PREFIX}/v1/`) ? url.slice(PREFIX.length) : url;
