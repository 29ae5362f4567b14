import type { CallType } from './call-type.js';
import { chatCompletion } from './chat-completion.js';
import { embedding } from './embedding.js';
import { imageEdit } from './image-edit.js';
import { imageGeneration } from './image-generation.js';
import { messages } from './messages.js';
import { moderation } from './moderation.js';
import { rerank } from './rerank.js';
import { responseInputCount } from './response-input-count.js';
import { responses } from './responses.js';
import { speech } from './speech.js';
import { textCompletion } from './text-completion.js';
import { tokenCount } from './token-count.js';
import { transcription, translation } from './transcription.js';

/** Every call type. Longer paths come first, because `/chat/completions` ends in `/completions`, too. */
export const CALL_TYPES: readonly CallType[] = [
  chatCompletion,
  textCompletion,
  embedding,
  messages,
  tokenCount,
  responses,
  responseInputCount,
  moderation,
  imageGeneration,
  imageEdit,
  speech,
  transcription,
  translation,
  rerank,
].toSorted((a, b) => b.path.length - a.path.length);

const callTypesByRoute = new Map<string, CallType>();

/** Returns the call type of a route, by the end of its path. */
export function callTypeOf(route: string): CallType {
  let callType = callTypesByRoute.get(route);
  if (!callType) {
    callType = CALL_TYPES.find(({ path }) => route.endsWith(path)) ?? chatCompletion;
    // Real routes are few, but an admin may ask for an explanation of any path.
    if (callTypesByRoute.size < MAX_ROUTES) callTypesByRoute.set(route, callType);
  }
  return callType;
}

const MAX_ROUTES = 1_000;
