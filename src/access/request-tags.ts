import type { IncomingHttpHeaders } from 'node:http';
import { utf8Header } from '../http/utf8-header.js';
import type { ReadMember } from '../call-types/read-members.js';
import { MalformedBodyError } from '../body/json-scanner.js';
import { isTagName, MAX_TAG_CHARS } from '../policy/tag-name.js';

const HEADER = 'x-litellm-tags';
const MAX_TAGS = 32;
const NONE: readonly string[] = [];

/**
 * Returns the tags that a call names, each once, from every place where LiteLLM reads them. `refused`: the call may name no
 * tags.
 */
export function requestTags(
  value: (member: ReadMember) => unknown,
  { [HEADER]: header }: IncomingHttpHeaders,
  refused: boolean,
): readonly string[] {
  const lists = [
    ['tags', value('tags')],
    ['metadata.tags', tagsIn(value('metadata'))],
    ['litellm_metadata.tags', tagsIn(value('litellm_metadata'))],
    [HEADER, header === undefined ? undefined : namesIn(utf8Header(String(header)))],
  ] as const;
  const present = lists.filter(([, list]) => list !== undefined && list !== null);
  if (!present.length) return NONE;
  const tags = new Set(present.flatMap(([param, list]) => checked(list, param, refused)));
  if (tags.size > MAX_TAGS)
    throw new MalformedBodyError(`The request names more than ${MAX_TAGS} tags.`, present[0]![0]);
  return [...tags];
}

function checked(list: unknown, param: string, refused: boolean): readonly string[] {
  if (refused)
    throw new MalformedBodyError(
      `Client-side '${param}' not allowed in request. 'reject_clientside_metadata_tags'=True. Tags can only be set via API key metadata.`,
      param,
    );
  if (!Array.isArray(list) || !list.every(isTagName)) {
    throw new MalformedBodyError(
      `The ${param} must be a list of texts of 1 to ${MAX_TAG_CHARS} characters, none of them a control character.`,
      param,
    );
  }
  return list;
}

const tagsIn = (container: unknown): unknown =>
  container !== null && typeof container === 'object' ? (container as { tags?: unknown }).tags : undefined;

const namesIn = (header: string) =>
  header
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** Returns each tag once, in a fixed order, so that the same tags give the same billing chain. */
export const sortedUnique = (tags: readonly string[]) => [...new Set(tags)].toSorted();
