/** Members of a usage that are read, or that repeat or divide what another one counts, or that cost nothing. */
const KNOWN: ReadonlySet<string> = new Set([
  'prompt_tokens', 'completion_tokens', 'input_tokens', 'output_tokens', 'total_tokens', 'text_tokens', 'cached_tokens',
  'cache_write_tokens', 'cache_creation_tokens', 'audio_tokens', 'image_tokens', 'video_tokens', 'reasoning_tokens',
  'thinking_tokens', 'accepted_prediction_tokens', 'rejected_prediction_tokens', 'prompt_cache_hit_tokens',
  'prompt_cache_miss_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens', 'ephemeral_5m_input_tokens',
  'ephemeral_1h_input_tokens', 'num_search_queries', 'citation_tokens', 'web_search_calls', 'x_search_calls', 'web_search_requests', 'web_fetch_requests',
  'num_server_side_tools_used', 'tool_search_requests', 'eval_count', 'prompt_eval_count', 'file_size_tokens',
]); // prettier-ignore
const COUNT =
  /^(?:num_[a-z\d_]{1,56}|[a-z][a-z\d_]{0,48}_(?:tokens|count|calls|queries|requests|sessions|seconds))$/;
/** Members that are looked at. A usage has fewer. */
const MAX_MEMBERS = 64;
const MAX_NAMES = 8;

/**
 * Returns the names of counts above zero that nothing reads, one level deep. Undefined if there are none. `other`: a further
 * name.
 */
export function unreadCounts(
  usage: Readonly<Record<string, unknown>>,
  other?: string,
): readonly string[] | undefined {
  let names: string[] | undefined = other === undefined ? undefined : [other];
  let looked = 0;
  const lookAt = (members: Readonly<Record<string, unknown>>, isInner: boolean) => {
    for (const name in members) {
      if (++looked > MAX_MEMBERS) return;
      const value = members[name];
      if (typeof value === 'number') {
        if (value > 0 && !KNOWN.has(name) && COUNT.test(name) && !names?.includes(name))
          (names ??= []).push(name);
      } else if (!isInner && value !== null && typeof value === 'object' && !Array.isArray(value))
        lookAt(value as Readonly<Record<string, unknown>>, true);
    }
  };
  lookAt(usage, false);
  return names?.slice(0, MAX_NAMES);
}
