import { isTagName } from '../policy/tag-name.js';

/** The tags every call of a key or team carries, in whichever of LiteLLM's two places they were written; each once. */
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
