import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { renderError } from '../http/error-response.js';
import { presentedCredential } from './credential.js';
import type { FactsLoader } from './facts.loader.js';

const BODY_HEADERS = ['content-length', 'transfer-encoding', 'content-type', 'expect'] as const;

/**
 * Handles `Expect`. A client that waits for `100 Continue` without a valid credential gets its refusal at once, before it
 * sends a body. Any other expectation is refused with 417.
 */
export function respondToExpectations(server: Server, loader: Pick<FactsLoader, 'isUnauthenticated'>): void {
  server.on('checkContinue', (request, response) => void handleContinue(server, loader, request, response));
  server.on('checkExpectation', ({ url = '', headers }: IncomingMessage, response: ServerResponse) => {
    const message = 'The only expectation that is met is 100-continue.';
    const error = renderError({ status: 417, message }, { url, headers });
    response
      .writeHead(417, { ...error.headers, 'content-type': 'application/json', connection: 'close' })
      .end(JSON.stringify(error.body));
  });
}

async function handleContinue(
  server: Server,
  loader: Pick<FactsLoader, 'isUnauthenticated'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { headers, rawHeaders } = request;
  // If the credential cannot be checked, the request gets the response of any other request then.
  const isUnauthenticated = await Promise.resolve()
    .then(() => loader.isUnauthenticated(presentedCredential(headers, rawHeaders)))
    .catch(() => false);
  if (isUnauthenticated) {
    // The guard refuses the request without its body, which the client does not send then.
    for (const name of BODY_HEADERS) delete headers[name];
    response.setHeader('connection', 'close');
  } else response.writeContinue();
  server.emit('request', request, response);
}
