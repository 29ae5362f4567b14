import type { IncomingHttpHeaders } from 'node:http';
import { newId } from '../platform/new-id.js';

/** Ids that clients may choose: short, and safe in headers, logs and addresses. */
const LABEL = /^[\w.:/+=-]{1,128}$/;

/** Returns the id of a request: the `x-request-id` of its client or proxy, else its call id, else a new one. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const asked = lastOf(headers['x-request-id']);
  return asked !== undefined && LABEL.test(asked) ? asked : (clientCallId(headers) ?? newId());
}

/** Returns the id that a client gave its call: a label, not an identity. Undefined if it gave none, or an unusual one. */
export function clientCallId({ 'x-litellm-call-id': id }: IncomingHttpHeaders): string | undefined {
  return typeof id === 'string' && LABEL.test(id) ? id : undefined;
}

/** Returns the last of several headers, which Node joins: a proxy adds its own after the client's. */
const lastOf = (header: string | string[] | undefined) =>
  header === undefined ? undefined : String(header).split(',').at(-1)!.trim();
