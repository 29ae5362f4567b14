/** Names by which LiteLLM's spend logs know types of calls, where they are others than here. */
const LITELLM_CALL_TYPES: ReadonlyMap<string, string> = new Map([
  ['chat_completion', 'acompletion'],
  ['text_completion', 'atext_completion'],
  ['embedding', 'aembedding'],
  ['responses', 'aresponses'],
  ['image_generation', 'aimage_generation'],
  ['image_edit', 'aimage_edit'],
  ['transcription', 'atranscription'],
  ['speech', 'aspeech'],
  ['moderation', 'amoderation'],
  ['rerank', 'arerank'],
]);

/** Returns LiteLLM's name of a type of call. It has none for what only this gateway writes. */
export const litellmCallType = (callType: string): string => LITELLM_CALL_TYPES.get(callType) ?? callType;

/** Returns the name of a type of call that this gateway stores, by either name. */
export const storedCallType = (name: string): string =>
  [...LITELLM_CALL_TYPES].find(([, litellmName]) => litellmName === name)?.[0] ?? name;
