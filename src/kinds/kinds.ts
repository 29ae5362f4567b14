import type { CallKind } from './call-kind.js';
import { chatCompletion } from './chat-completion.js';
import { embedding } from './embedding.js';
import { textCompletion } from './text-completion.js';

/** Every kind of call, the longest path first: `/chat/completions` ends in `/completions`, too. */
const KINDS: readonly CallKind[] = [chatCompletion, textCompletion, embedding].toSorted(
  (a, b) => b.path.length - a.path.length,
);

const kindsByRoute = new Map<string, CallKind>();

/** Which kind of call a route makes, by its last words. */
export function kindOf(route: string): CallKind {
  let kind = kindsByRoute.get(route);
  if (!kind) {
    kind = KINDS.find(({ path }) => route.endsWith(path)) ?? textCompletion;
    kindsByRoute.set(route, kind);
  }
  return kind;
}
