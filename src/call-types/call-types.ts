import type { CallType } from './call-type.js';
import { chatCompletion } from './chat-completion.js';
import { embedding } from './embedding.js';
import { imageEdit } from './image-edit.js';
import { imageGeneration } from './image-generation.js';
import { messages } from './messages.js';
import { moderation } from './moderation.js';
import { rerank } from './rerank.js';
import { responses } from './responses.js';
import { speech } from './speech.js';
import { textCompletion } from './text-completion.js';
import { tokenCount } from './token-count.js';
import { transcription, translation } from './transcription.js';

/** Every kind of call. `/chat/completions` ends in `/completions`, too: the longer path is looked for first. */
const KINDS: readonly CallType[] = [
  chatCompletion,
  textCompletion,
  embedding,
  messages,
  tokenCount,
  responses,
  moderation,
  imageGeneration,
  imageEdit,
  speech,
  transcription,
  translation,
  rerank,
].toSorted((a, b) => b.path.length - a.path.length);

const kindsByRoute = new Map<string, CallType>();

/** Which kind of call a route makes, by its last words. */
export function callTypeOf(route: string): CallType {
  let kind = kindsByRoute.get(route);
  if (!kind) {
    kind = KINDS.find(({ path }) => route.endsWith(path)) ?? chatCompletion;
    // Routes are few; what somebody only asks about may be anything.
    if (kindsByRoute.size < MAX_ROUTES) kindsByRoute.set(route, kind);
  }
  return kind;
}

const MAX_ROUTES = 1_000;
