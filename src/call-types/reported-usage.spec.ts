import { describe, expect, it } from 'vitest';
import { reportedUsage } from './reported-usage.js';

const totals = { prompt_tokens: 100, completion_tokens: 50 };
const read = { inputTokens: 100, outputTokens: 50 };

describe('the usage that an upstream reports', () => {
  it.each<[string, object, object]>([
    ['the totals', {}, {}],
    ['prompt tokens: read from a cache', { prompt_tokens_details: { cached_tokens: 60 } }, { cachedInputTokens: 60 }],
    ['… written to a cache', { prompt_tokens_details: { cache_creation_tokens: 30 } }, { cacheWriteTokens: 30 }],
    ['… by OpenAI’s name', { prompt_tokens_details: { cache_write_tokens: 30 } }, { cacheWriteTokens: 30 }],
    ['… for an hour', { prompt_tokens_details: { cache_creation_tokens: 30 }, cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 } }, { cacheWriteTokens: 10, cacheWrite1hTokens: 20 }],
    ['… audio and images', { prompt_tokens_details: { audio_tokens: 5, image_tokens: 6 } }, { inputAudioTokens: 5, inputImageTokens: 6 }],
    ['output tokens: reasoning, audio, images', { completion_tokens_details: { reasoning_tokens: 1, audio_tokens: 2, image_tokens: 3 } }, { reasoningTokens: 1, outputAudioTokens: 2, outputImageTokens: 3 }],
    ['parts that are more than the whole', { prompt_tokens_details: { cached_tokens: 101, audio_tokens: -1 }, cache_creation: { ephemeral_1h_input_tokens: 9 } }, { cachedInputTokens: 100 }],
    ['the service tier', { service_tier: 'flex' }, { serviceTier: 'flex' }],
    ['a service tier without its own prices', { service_tier: 'standard' }, {}],
  ])('%s', (_, details, more) => expect(reportedUsage({ ...totals, ...details })).toEqual({ ...read, ...more })); // prettier-ignore

  it('may have the service tier beside it', () => {
    expect(reportedUsage(totals, 'priority')).toEqual({ ...read, serviceTier: 'priority' });
    expect(reportedUsage(totals, 'default')).toEqual(read);
    expect(reportedUsage({ ...totals, service_tier: 'flex' }, 'priority')).toMatchObject({
      serviceTier: 'flex',
    });
  });
});
