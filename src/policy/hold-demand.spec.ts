import { describe, expect, it } from 'vitest';
import type { CallSize } from './bound.js';
import { ceilingOf } from './ceiling.js';
import { type Price, unitPrice, type UnitPrice } from './price.js';
import { demandFor, outputFigures, outputTokensFor } from './hold-demand.js';
import { nanoUsd } from './money.js';

const settings = {
  budgetClamp: true,
  minOutputTokens: 10,
  defaultHoldTokens: 100,
  defaultOutputTokens: 4_096,
  maxToolCallsUnderBudget: 3,
  minClampShare: 0.25,
};
const usd = (amount: number, powerOf10 = 0) => unitPrice(amount, powerOf10)!;
const price = (some: Partial<Price>): Price => ({ input: 0n as UnitPrice, output: 0n as UnitPrice, ...some });
const demand = (size: Partial<CallSize>, ...prices: Partial<Price>[]) =>
  demandFor(
    { inputBytes: 0, hasMedia: false, copies: 1, prompts: 1, generates: true, ...size },
    { maxInputTokens: 0, answers: [{ maxOutputTokens: 1_000, limitMember: 'max_tokens' }] },
    ceilingOf(prices.map(price)),
    settings,
  );

describe('a call in other units than tokens', () => {
  it('holds the most of them, however few tokens it is clamped to', () => {
    const units = { outputImages: 4, inputCharacters: 100, inputMs: 5_000 };
    const amounts = demand({ units }, { output: usd(0.001), outputImages: usd(0.04), inputCharacters: usd(0.0001), inputMs: usd(0.01, 3), request: usd(0.5) }); // prettier-ignore
    const besideTokens = 160_000_000n + 10_000_000n + 50_000_000n + 500_000_000n;
    expect(amounts.inputNanoUsd).toBe(besideTokens);
    expect(amounts.minimumNanoUsd).toBe(besideTokens + 10_000_000n);
    expect(amounts.wantedNanoUsd).toBe(besideTokens + 1_000_000_000n);
    expect(amounts.unbounded).toEqual([]);
  });

  it('holds them where nothing is generated, too', () => {
    const amounts = demand(
      { generates: false, units: { inputCharacters: 100 } },
      { inputCharacters: usd(0.0001) },
    );
    expect(amounts.wantedNanoUsd).toBe(10_000_000n);
  });

  it('is clamped to what its other units leave, at the prices it was held with', () => {
    const size = { inputBytes: 0, hasMedia: false, copies: 2, prompts: 1, generates: true, units: { outputImages: 1 } }; // prettier-ignore
    const amounts = demand(size, { output: usd(0.001), outputImages: usd(0.04) });
    expect(outputTokensFor(amounts.inputNanoUsd, amounts)).toBe(0);
    expect(outputTokensFor((amounts.inputNanoUsd + 9_000_000n) as never, amounts)).toBe(4);
  });
});

describe('what has a price and no limit', () => {
  const perImageSeen = { inputImages: usd(0.01) };
  it.each<[string, Partial<CallSize>, Partial<Price>[], string[]]>([
    ['tokens are always bounded', { hasMedia: true }, [{ input: usd(1), output: usd(1), request: usd(1) }], []],
    ['no media, no images to look at', {}, [perImageSeen], []],
    ['media may be any number of images', { hasMedia: true }, [perImageSeen], ['inputImages']],
    ['… unless the call says how many', { hasMedia: true, units: { inputImages: 2 } }, [perImageSeen], []],
    ['the dearest deployment counts', { hasMedia: true }, [{}, perImageSeen], ['inputImages']],
    ['an answer may have any number of images', {}, [{ outputImages: usd(0.04) }], ['outputImages']],
    ['… where something is generated', { generates: false }, [{ outputImages: usd(0.04), outputMs: usd(1, 3), outputCharacters: usd(1) }], []],
    ['nobody knows how long a call takes', {}, [{ inputMs: usd(1, 3), outputMs: usd(1, 3) }], ['inputMs', 'outputMs']],
    ['a plain service is', { serviceTier: 'auto' }, [{}], []],
    ['a cheaper one too', { serviceTier: 'flex' }, [{}], []],
    ['a dearer one is not', { serviceTier: 'priority' }, [{}], ['service_tier']],
    ['… unless it has a price', { serviceTier: 'priority' }, [{ serviceTiers: { priority: price({}) } }], []],
    ['… everywhere', { serviceTier: 'priority' }, [{ serviceTiers: { priority: price({}) } }, {}], ['service_tier']],
    ['sound that is heard has no price', { hasMedia: true, hearsSound: true }, [{}], ['input_audio']],
    ['… or has one', { hasMedia: true, hearsSound: true }, [{ inputAudio: usd(1) }], []],
    ['… but not everywhere', { hasMedia: true, hearsSound: true }, [{ inputAudio: usd(1) }, {}], ['input_audio']],
    ['sound that is spoken has no price', { speaks: true }, [{ inputAudio: usd(1) }], ['output_audio']],
    ['… or has one', { speaks: true }, [{ outputAudio: usd(1) }], []],
    ['one nobody knows is not', { serviceTier: 'constructor' }, [{ serviceTiers: { priority: price({}) } }], ['service_tier']],
  ])('%s', (_, size, prices, unbounded) => expect(demand(size, ...prices).unbounded).toEqual(unbounded)); // prettier-ignore
});

describe('the smallest hold a call accepts', () => {
  const perToken = { output: usd(0.001) };
  const least = (size: Partial<CallSize>) => Number(demand(size, perToken).minimumNanoUsd) / 1_000_000;
  it.each<[string, Partial<CallSize>, number]>([
    ['as many tokens as are worth calling for', { outputTokens: 400 }, 10],
    ['… or fewer, if it asks for fewer', { outputTokens: 4 }, 4],
    ['with tools, a quarter of the limit it names', { outputTokens: 400, hasTools: true }, 100],
    ['… rounded up', { outputTokens: 401, hasTools: true }, 101],
    ['… of each answer', { outputTokens: 400, copies: 3, hasTools: true }, 300],
    ['… as far as the model goes', { outputTokens: 8_000, hasTools: true }, 250],
    ['… however few those are', { outputTokens: 8, hasTools: true }, 2],
    ['with tools and no limit, the usual hold', { hasTools: true }, 100],
    ['what the provider needs to take it at all', { outputTokens: 400, leastOutputTokens: 300, hasTools: true }, 300],
  ])('%s', (_, size, tokens) => expect(least(size)).toBe(tokens)); // prettier-ignore

  it('is told in tokens, beside what is asked for and what is left pays for', () => {
    const figures = (some: Partial<CallSize>, left: bigint) =>
      outputFigures(demand({ outputTokens: 400, hasTools: true, ...some }, perToken), nanoUsd(left));
    expect(figures({}, 90_000_000n)).toEqual({ asked: 400, least: 100, fits: 90 });
    expect(figures({ copies: 3 }, 90_000_000n)).toEqual({ asked: 400, least: 100, fits: 30 });
    expect(figures({ outputTokens: 4_000 }, 9_000_000_000n)).toEqual({
      asked: 1_000,
      least: 250,
      fits: 1_000,
    });
    expect(figures({ leastOutputTokens: 399 }, 0n)).toEqual({ asked: 400, least: 399, fits: 0 });
  });

  it('is what the fair share is raised to', () => {
    const { minimumNanoUsd, fairShareNanoUsd } = demand({ outputTokens: 1_000, hasTools: true }, perToken);
    expect([minimumNanoUsd, fairShareNanoUsd]).toEqual([250_000_000n, 100_000_000n]);
  });
});
