import { MalformedBodyError, type ScannedObject } from '../body/json-scanner.js';
import { FORBIDDEN_PARAM_NAMES, FORBIDDEN_TOP_NAMES, MODEL_CHOOSERS } from '../config/forbidden-names.js';
import type { LlmRequestContext } from './llm-request.js';
import { foldedName, isRead, isUsual } from './member-names.js';

const SMUGGLING_HEADER = /^x-(?:.*custom-host|litellm-api-base|litellm-base-url|litellm-model)$/;

/** Form fields that the gateway reads. `model[0]` is refused, because an upstream might read it as `model`. */
const READ_PLAIN = new Set(['model', 'n', 'stream', 'user']);

/** Throws a `MalformedBodyError` that names a forbidden member of the body, or a forbidden header or query parameter. */
export function rejectForbiddenParams(
  { members, watched }: ScannedObject,
  { headers, query }: Pick<LlmRequestContext, 'headers' | 'query'>,
): void {
  const refuse = (name: string, where: string, why = '') => {
    throw new MalformedBodyError(`Rejected Request: ${name} is not allowed in request ${where}${why}.`, name);
  };
  for (const name of members.keys()) {
    if (isUsual(name)) continue;
    const folded = foldedName(name);
    if (FORBIDDEN_TOP_NAMES.has(folded)) refuse(name, 'body');
    if (MODEL_CHOOSERS.has(folded)) refuse(name, 'body', ANOTHER_MODEL);
    if (!folded.includes('[')) continue;
    // A form may write a nested member as `a[b]`.
    const words = folded.split(/[[\]]+/);
    if (isRead(words[0]!) || words.some((word) => FORBIDDEN_TOP_NAMES.has(word) || READ_PLAIN.has(word)))
      refuse(name, 'body');
    if (MODEL_CHOOSERS.has(words[0]!)) refuse(name, 'body', ANOTHER_MODEL);
  }
  for (const { name } of watched) if (FORBIDDEN_PARAM_NAMES.has(name)) refuse(name, 'body');
  for (const name of Object.keys(headers)) if (SMUGGLING_HEADER.test(name)) refuse(name, 'headers');
  if (query)
    for (const name of new URLSearchParams(query).keys())
      if (FORBIDDEN_TOP_NAMES.has(foldedName(name))) refuse(name, 'query');
}

const ANOTHER_MODEL =
  ': the provider could call another model than the one that was checked. Name models to fall back on in `fallbacks`';
