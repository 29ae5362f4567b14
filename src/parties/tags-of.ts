import { isTagName } from '../policy/tag-name.js';

/**
 * Returns the tags that every call of a key or team carries, without repetitions. LiteLLM writes them in two places.
 */
export function tagsOf({
  extra,
  metadata,
}: {
  readonly extra: Readonly<Record<string, unknown>> | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
}): string[] {
  const lists = [extra?.tags, metadata?.tags].filter((list) => Array.isArray(list));
  return [...new Set(lists.flat().filter(isTagName))];
}
