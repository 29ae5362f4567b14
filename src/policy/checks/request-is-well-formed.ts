import { type Check, deny } from '../decision.js';

/** The body is one JSON object, each member means one thing, and none tries to choose the upstream. */
export const requestIsWellFormed: Check = ({ request }) =>
  deny(
    request?.problem && {
      code: 'request_malformed',
      message: request.problem.message,
      ...(request.problem.param !== null && { param: request.problem.param }),
    },
  );
