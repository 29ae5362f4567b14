import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportedUsage } from './reported-usage.js';

const totals = { prompt_tokens: 100, completion_tokens: 50 };
const read = { inputTokens: 100, outputTokens: 50 };

describe('the usage that an upstream reports', () => {
  it.each<[string, object, object]>([
    ['the totals', {}, {}],
    ['prompt tokens: read from a cache', { prompt_tokens_details: { cached_tokens: 60 } }, { cachedInputTokens: 60 }],
    ['… by DeepSeek’s name', { prompt_cache_hit_tokens: 60, prompt_cache_miss_tokens: 40 }, { cachedInputTokens: 60 }],
    ['… by Anthropic’s name', { cache_read_input_tokens: 60, cache_creation_input_tokens: 30 }, { cachedInputTokens: 60, cacheWriteTokens: 30 }],
    ['… by Moonshot’s name', { cached_tokens: 60 }, { cachedInputTokens: 60 }],
    ['… by two names', { cached_tokens: 60, prompt_tokens_details: { cached_tokens: 60 } }, { cachedInputTokens: 60 }],
    ['… written to a cache', { prompt_tokens_details: { cache_creation_tokens: 30 } }, { cacheWriteTokens: 30 }],
    ['… by OpenAI’s name', { prompt_tokens_details: { cache_write_tokens: 30 } }, { cacheWriteTokens: 30 }],
    ['… for an hour', { prompt_tokens_details: { cache_creation_tokens: 30 }, cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 } }, { cacheWriteTokens: 10, cacheWrite1hTokens: 20 }],
    ['… audio and images', { prompt_tokens_details: { audio_tokens: 5, image_tokens: 6 } }, { inputAudioTokens: 5, inputImageTokens: 6 }],
    ['output tokens: reasoning, audio, images', { completion_tokens_details: { reasoning_tokens: 1, audio_tokens: 2, image_tokens: 3 } }, { reasoningTokens: 1, outputAudioTokens: 2, outputImageTokens: 3 }],
    ['parts that are more than the whole', { prompt_tokens_details: { cached_tokens: 101, audio_tokens: -1 }, cache_creation: { ephemeral_1h_input_tokens: 9 } }, { cachedInputTokens: 100 }],
    ['parts that overlap', { prompt_tokens_details: { cached_tokens: 80, audio_tokens: 70 } }, { cachedInputTokens: 80, inputAudioTokens: 20 }],
    ['reasoning beside the completion, as the sum says', { total_tokens: 450, completion_tokens_details: { reasoning_tokens: 300 } }, { outputTokens: 350, reasoningTokens: 300 }],
    ['reasoning inside the completion, as the sum says', { total_tokens: 150, completion_tokens_details: { reasoning_tokens: 300 } }, { reasoningTokens: 50 }],
    ['reasoning that cannot be inside', { completion_tokens_details: { reasoning_tokens: 300 } }, { outputTokens: 350, reasoningTokens: 300 }],
    ['a cache beside the prompt, as the sum says', { total_tokens: 1_150, cache_read_input_tokens: 1_000 }, { inputTokens: 1_100, cachedInputTokens: 1_000 }],
    ['a cache and reasoning beside', { total_tokens: 1_450, cache_read_input_tokens: 1_000, completion_tokens_details: { reasoning_tokens: 300 } }, { inputTokens: 1_100, outputTokens: 350, cachedInputTokens: 1_000, reasoningTokens: 300 }],
    ['a rest of the sum, such as hidden thoughts', { total_tokens: 190 }, { outputTokens: 90, unreadCounts: ['total_tokens'] }],
    ['a sum that is less', { total_tokens: 3 }, {}],
    ['Perplexity’s reasoning and searches', { total_tokens: 150, citation_tokens: 0, num_search_queries: 4, reasoning_tokens: 70 }, { outputTokens: 120, reasoningTokens: 70, webSearches: 4 }],
    ['… and its citations', { citation_tokens: 9, num_search_queries: 0 }, { webSearches: 0, citationTokens: 9 }],
    ['cached sound and images', { prompt_tokens_details: { cached_tokens: 60, audio_tokens: 30, image_tokens: 9, cached_tokens_details: { audio_tokens: 20, image_tokens: 4, text_tokens: 36 } } }, { cachedInputTokens: 36, cachedInputAudioTokens: 20, cachedInputImageTokens: 4, inputAudioTokens: 10, inputImageTokens: 5 }],
    ['video', { prompt_tokens_details: { video_tokens: 40 } }, { inputVideoTokens: 40 }],
    ['xAI’s searches', { server_side_tool_usage_details: { web_search_calls: 3, x_search_calls: 2, code_interpreter_calls: 0 } }, { webSearches: 5 }],
    ['a prompt without a completion', { completion_tokens: null, total_tokens: 130 }, { outputTokens: 30 }],
    ['a completion without a prompt', { prompt_tokens: null, total_tokens: 130 }, { inputTokens: 80 }],
    ['digits', { prompt_tokens: '100', completion_tokens: '50', prompt_tokens_details: { cached_tokens: '60' } }, { cachedInputTokens: 60 }],
    ['the service tier', { service_tier: 'flex' }, { serviceTier: 'flex' }],
    ['… in capitals', { service_tier: 'PRIORITY' }, { serviceTier: 'priority' }],
    ['… by its newer name', { service_tier: 'fast' }, { serviceTier: 'priority' }],
    ['a service tier without its own prices', { service_tier: 'standard' }, {}],
    ['counts that nothing reads', { tool_tokens: 3, num_pages: 2, prompt_tokens_details: { music_tokens: 4, text_tokens: 5 }, unknown_tokens: 0 }, { unreadCounts: ['tool_tokens', 'num_pages', 'music_tokens'] }],
    ['measures of time', { queue_time: 0.1, prompt_time: 2, total_duration: 3, nested: { deep: { far_tokens: 5 } } }, {}],
    ['OpenRouter’s bill', { cost: 0.0123 }, { billNanoUsd: 12_300_000, billedBy: 'openrouter' }],
    ['… with the customer’s own key', { cost: 0.001, is_byok: true, cost_details: { upstream_inference_cost: 0.02 } }, { billNanoUsd: 21_000_000, billedBy: 'openrouter' }],
    ['… finer than a nano-dollar', { cost: 0.0000000126 }, { billNanoUsd: 13, billedBy: 'openrouter' }],
    ['Perplexity’s bill', { cost: { total_cost: 0.0165, request_cost: 0.006 } }, { billNanoUsd: 16_500_000, billedBy: 'perplexity' }],
    ['xAI’s bill', { cost_in_usd_ticks: 123_000_000 }, { billNanoUsd: 12_300_000, billedBy: 'xai' }],
    ['a negative bill', { cost: -1 }, {}],
    ['a boundless bill', { cost: 1e308 }, {}],
    ['a bill in words', { cost: '1', cost_in_usd_ticks: {} }, {}],
  ])('%s', (_, details, more) => expect(reportedUsage({ ...totals, ...details })).toEqual({ ...read, ...more })); // prettier-ignore

  it.each([
    { prompt_tokens: -1, completion_tokens: 1 },
    { prompt_tokens: 1, completion_tokens: 0.5 },
    { prompt_tokens: '1e3', completion_tokens: 1 },
    { completion_tokens: 1 },
    { total_tokens: 1_000 },
    [],
    null,
  ])('is unknown of %j', (usage) => expect(reportedUsage(usage)).toBeUndefined());

  it('may have the service tier beside it', () => {
    expect(reportedUsage(totals, 'priority')).toEqual({ ...read, serviceTier: 'priority' });
    expect(reportedUsage(totals, 'default')).toEqual(read);
    expect(reportedUsage({ ...totals, service_tier: 'flex' }, 'priority')).toMatchObject({
      serviceTier: 'flex',
    });
  });

  it('names at most eight counts that nothing reads, and none with other characters', () => {
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`a${n}_tokens`, 1]));
    expect(reportedUsage({ ...totals, ...many })?.unreadCounts).toHaveLength(8);
    expect(reportedUsage({ ...totals, 'a\0_tokens': 1, [`${'a'.repeat(60)}_tokens`]: 1 })).toEqual(read);
  });

  const INPUT_PARTS = ['cachedInputTokens', 'cacheWriteTokens', 'cacheWrite1hTokens', 'inputAudioTokens', 'inputImageTokens', 'inputVideoTokens', 'cachedInputAudioTokens', 'cachedInputImageTokens'] as const; // prettier-ignore
  const OUTPUT_PARTS = ['reasoningTokens', 'outputAudioTokens', 'outputImageTokens'] as const;
  const amount = fc.oneof(fc.nat(50), fc.nat(5_000), fc.constantFrom(-1, 0.5, null, undefined, '7', 'x', {}));

  it('has disjoint classes whose sum is the total', () => {
    const details = fc.record({ cached_tokens_details: fc.option(fc.record({ audio_tokens: amount, image_tokens: amount })), video_tokens: amount, cached_tokens: amount, cache_write_tokens: amount, audio_tokens: amount, image_tokens: amount }); // prettier-ignore
    const outputDetails = fc.record({ reasoning_tokens: amount, audio_tokens: amount, image_tokens: amount });
    const usages = fc.record({
      prompt_tokens: fc.nat(10_000),
      completion_tokens: fc.nat(10_000),
      excess: fc.nat(6_000),
      excessIsReasoning: fc.boolean(),
      prompt_tokens_details: fc.option(details),
      completion_tokens_details: fc.option(outputDetails),
      cache_read_input_tokens: amount,
      cache_creation: fc.option(fc.record({ ephemeral_1h_input_tokens: amount, ephemeral_5m_input_tokens: amount })), // prettier-ignore
    });
    fc.assert(
      fc.property(usages, ({ excess, excessIsReasoning, ...usage }) => {
        const reasoning = Number(usage.completion_tokens_details?.reasoning_tokens ?? 0);
        const beside = excessIsReasoning && reasoning > 0 ? Math.trunc(reasoning) : excess;
        const total_tokens = usage.prompt_tokens + usage.completion_tokens + beside;
        const counted = reportedUsage({ ...usage, total_tokens })!;
        expect(counted.inputTokens + counted.outputTokens).toBe(total_tokens);
        expect(counted.inputTokens).toBeGreaterThanOrEqual(usage.prompt_tokens);
        expect(counted.outputTokens).toBeGreaterThanOrEqual(usage.completion_tokens);
        const sum = (names: readonly (keyof typeof counted)[]) =>
          names.reduce((all, name) => all + ((counted[name] as number | undefined) ?? 0), 0);
        expect(sum(INPUT_PARTS)).toBeLessThanOrEqual(counted.inputTokens);
        expect(sum(OUTPUT_PARTS)).toBeLessThanOrEqual(counted.outputTokens);
        for (const name of [...INPUT_PARTS, ...OUTPUT_PARTS]) expect(counted[name] ?? 1).toBeGreaterThan(0);
      }),
      { numRuns: 2_000 },
    );
  });
});
