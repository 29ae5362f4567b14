import { describe, expect, it } from 'vitest';
import {
  type AnswerLimits,
  answerTokens,
  type CallSize,
  type ModelCapacity,
  rateTokens,
  tokenBound,
} from './bound.js';

const size = (some: Partial<CallSize> = {}): CallSize => ({
  inputBytes: 1_000,
  hasMedia: false,
  copies: 1,
  prompts: 1,
  generates: true,
  ...some,
});

const settings = { defaultOutputTokens: 4_096, maxToolCallsUnderBudget: 3 };
const answer = (some: Partial<AnswerLimits> = {}): AnswerLimits => ({ limitMember: 'max_tokens', ...some });
const bound = (some: Partial<CallSize>, limits: Partial<ModelCapacity>) =>
  tokenBound(size(some), { answers: [answer()], ...limits }, settings);

describe('the most tokens a call can be billed for', () => {
  const outputs = (some: Partial<CallSize>, ...answers: AnswerLimits[]) =>
    bound(some, { answers }).outputTokens;

  it.each<[string, Partial<CallSize>, Partial<AnswerLimits>, number]>([
    ['the client’s limit', { outputTokens: 100 }, {}, 100],
    ['… for every copy', { outputTokens: 100, copies: 3 }, {}, 300],
    ['… but not more than the model writes', { outputTokens: 9_000 }, { maxOutputTokens: 4_096 }, 4_096],
    ['… nor than the context has room for', { outputTokens: 9_000 }, { contextTokens: 8_000 }, 8_000],
    ['… and as it stands where nobody knows better', { outputTokens: 9_000 }, {}, 9_000],
    ['no limit: what the model writes at most', {}, { maxOutputTokens: 8_192, contextTokens: 9_000 }, 8_192],
    ['… else what its context leaves beside the prompt', {}, { contextTokens: 10_000 }, 8_488],
    ['… also where its answers may fill it', {}, { contextTokens: 10_000, maxOutputTokens: 10_000, answersFillContext: true }, 8_488],
    ['… of a context the client asked for', { contextTokens: 20_000 }, { contextTokens: 10_000 }, 18_488],
    ['a prompt that may fill the context leaves the usual', { inputBytes: 11_000 }, { contextTokens: 10_000 }, 4_096],
    ['… or what it is likely to leave', { inputBytes: 21_000 }, { contextTokens: 10_000 }, 2_829],
    ['… or hardly anything', { inputBytes: 80_000 }, { contextTokens: 10_000 }, 256],
    ['… of a tiny one all', {}, { contextTokens: 20 }, 20],
    ['nobody knows anything: the usual', {}, {}, 4_096],
    ['… beside what is thought', { leastOutputTokens: 10_001 }, {}, 14_097],
    ['what no limit makes shorter is as long as any', { isWhole: true }, {}, 16_384],
    ['nothing where nothing is generated', { generates: false, outputTokens: 100 }, {}, 0],
  ])('answer: %s', (_, some, at, tokens) => expect(outputs(some, answer(at))).toBe(tokens)); // prettier-ignore

  it('answer: of several limits the one a deployment reads', () => {
    const outputTokensBy = { max_tokens: 5, max_completion_tokens: 700 };
    const both = { outputTokens: 700, outputTokensBy };
    const newer = answer({ limitMember: 'max_completion_tokens' });
    expect(outputs(both, answer())).toBe(5);
    expect(outputs(both, newer)).toBe(700);
    expect(outputs(both, answer(), newer)).toBe(700);
  });

  it('answer: as long as the longest of its deployments’, each of which gets its own', () => {
    const answers = [answer({ maxOutputTokens: 8_000 }), answer()];
    expect(outputs({}, ...answers)).toBe(8_000);
    expect(answers.map((at) => answerTokens(size(), at, 10, settings))).toEqual([8_000, 4_096]);
  });

  it.each([
    ['a byte is at most a token, and the template adds some', {}, {}, 1_512],
    ['the context window is a limit too', {}, { maxInputTokens: 500 }, 500],
    ['… or what the client makes of it', { contextTokens: 900 }, { maxInputTokens: 500 }, 900],
    ['what the provider adds is prompt too', { hiddenTokens: 100 }, {}, 1_612],
    ['… also to one that was counted', { hiddenTokens: 100, counted: { tokens: 10, otherBytes: 0 } }, { encodesLikeOpenAi: true }, 111],
    ['another encoding may make a token of two letters', { counted: { tokens: 10, otherBytes: 0 } }, {}, 500],
    ['… and of each digit and sign', { counted: { tokens: 10, otherBytes: 200 } }, {}, 600],
    ['… or half more tokens', { counted: { tokens: 500, otherBytes: 0 } }, {}, 750],
    ['OpenAI’s own makes what was counted', { counted: { tokens: 10, otherBytes: 200 } }, { encodesLikeOpenAi: true }, 11],
    ['what does not show in the bytes may fill the context', { hasMedia: true }, { maxInputTokens: 128_000 }, 128_000],
    ['an image is what its provider makes of it, beside the rest', { hasMedia: true, images: { count: 2, bytes: 900 } }, { imageTokens: 50 }, 712],
    ['… as far as the model reads', { hasMedia: true, images: { count: 20, bytes: 900 } }, { imageTokens: 50, maxInputTokens: 800 }, 800],
    ['… or fills the context where nobody knows', { hasMedia: true, images: { count: 2, bytes: 900 } }, { maxInputTokens: 128_000 }, 128_000],
    ['other media fill it, whatever images are', { hasMedia: true }, { imageTokens: 50, maxInputTokens: 128_000 }, 128_000],
    ['after each search all is read again', { webSearches: 2 }, { maxInputTokens: 2_000 }, 5_512],
    ['… or a million tokens, if nobody knows', { hasMedia: true }, {}, 1_048_576],
  ])('prompt: %s', (_, some, limits, inputTokens) =>
    expect(bound(some, limits).inputTokens).toBe(inputTokens)); // prettier-ignore

  it.each<[string, Partial<CallSize>, Partial<ModelCapacity>, number | undefined]>([
    ['nothing', {}, {}, undefined],
    ['nothing of thoughts that are part of the answer', { thinks: true }, {}, undefined],
    ['thoughts, as many as the call allows', { thinks: true, thoughtTokens: 500 }, { thinksBesideLimit: true }, 500],
    ['… or as any model thinks', { thinks: true }, { thinksBesideLimit: true }, 131_072],
    ['… of every answer', { thinks: true, thoughtTokens: 500, copies: 2 }, { thinksBesideLimit: true }, 1_000],
    ['what is predicted and may be wrong', { predictedBytes: 70 }, {}, 70],
  ])('beside the answer: %s', (_, some, limits, tokens) =>
    expect(bound(some, limits).tokensBesideAnswers).toBe(tokens)); // prettier-ignore
});

describe('the tokens a call takes of a rate limit until its use is known', () => {
  const counted = { tokens: 700, otherBytes: 0 };
  const rateTokensOf = (some: Partial<CallSize>, limits: Partial<ModelCapacity> = {}) => {
    const capacity = { answers: [answer({ maxOutputTokens: 64_000 })], ...limits };
    return rateTokens(size(some), capacity, bound(some, capacity));
  };

  it.each<[string, Partial<CallSize>, Partial<ModelCapacity>, number]>([
    ['the counted prompt, and the limit it names', { counted, outputTokens: 300 }, {}, 1_000],
    ['… but not more than is usual', { counted, outputTokens: 32_000 }, {}, 4_796],
    ['… which is what a call without a limit takes', { counted }, {}, 4_796],
    ['… unless the model writes less', { counted }, { answers: [answer({ maxOutputTokens: 100 })] }, 800],
    ['… of each answer', { counted, outputTokens: 32_000, copies: 2 }, {}, 8_892],
    ['no answer where nothing is generated', { counted, generates: false }, {}, 700],
    ['what the provider adds is prompt too', { counted, hiddenTokens: 100, outputTokens: 300 }, {}, 1_100],
    ['no margin for other encodings', { counted: { tokens: 900, otherBytes: 0 }, outputTokens: 300 }, { encodesLikeOpenAi: false }, 1_200],
    ['no results of searches', { counted, webSearches: 3, outputTokens: 300 }, { maxInputTokens: 200_000 }, 1_000],
    ['a prompt that was not counted, by its bytes', { outputTokens: 300 }, {}, 1_812],
    ['images as documented, the text beside them by three bytes a token', { hasMedia: true, images: { count: 2, bytes: 400 }, outputTokens: 300 }, { imageTokens: 50 }, 600],
    ['what does not show in the bytes, as far as the model reads', { hasMedia: true, outputTokens: 300 }, { maxInputTokens: 8_000 }, 8_300],
    ['nothing of a call that uses none', { isFree: true }, {}, 0],
  ])('%s', (_, some, limits, tokens) => expect(rateTokensOf(some, limits)).toBe(tokens)); // prettier-ignore
});
