import { describe, expect, it } from 'vitest';
import { CountingTurns } from './counting-turns.js';
import { promptTokens } from './prompt-tokens.js';
import type { CountingResult } from './token-worker.js';

const bytesOf = (content: string) => Buffer.from(JSON.stringify({ messages: [{ role: 'user', content }] }));

/** Returns turns with a clock that advances by a fixed time with each reading. */
function turnsWith(msPerReading: number) {
  const results: CountingResult[] = [];
  let now = 0;
  const turns = new CountingTurns((result) => results.push(result), () => (now += msPerReading)); // prettier-ignore
  return { turns, results };
}

describe('counting in turns', () => {
  it('counts the same as `promptTokens`', () => {
    const { turns, results } = turnsWith(0.1);
    const texts = ['short', 'word '.repeat(5_000), '漢字'.repeat(500)];
    texts.forEach((text, id) => turns.add({ id, bytes: bytesOf(text) }));
    while (turns.next());
    for (const [id, text] of texts.entries()) {
      const counted = promptTokens(JSON.parse(bytesOf(text).toString()) as Record<string, unknown>);
      expect(results.find((result) => result.id === id)!.counted!.tokens).toBe(counted);
    }
  });

  it('counts a body with duplicate names by its bytes', () => {
    const { turns, results } = turnsWith(0.1);
    const bytes = Buffer.from(
      `{"messages":[{"content":"${'word '.repeat(500)}","content":"x","\\u0063ontent":"y"}]}`,
    );
    turns.add({ id: 1, bytes });
    turns.add({ id: 2, bytes: Buffer.from('{"messages":[{"content":"x","Content":"y","a":{"a":[{}]}}]}') });
    while (turns.next());
    expect(results[0]).toMatchObject({ id: 1, counted: { tokens: bytes.length } });
    expect(results[1]!.counted!.tokens).toBeLessThan(150);
  });

  it('finishes a small prompt long before a large one that came first', () => {
    const { turns, results } = turnsWith(2);
    turns.add({ id: 1, bytes: bytesOf('word '.repeat(50_000)) });
    turns.add({ id: 2, bytes: bytesOf('hi') });
    for (let i = 0; i < 10; i++) turns.next();
    expect(results).toEqual([{ id: 2, counted: expect.anything() as unknown }]);
  });

  it('gives up only a prompt that takes too long itself', () => {
    const { turns, results } = turnsWith(1_000);
    turns.add({ id: 1, bytes: bytesOf('word '.repeat(5_000)) });
    turns.add({ id: 2, bytes: bytesOf('') });
    let rounds = 0;
    while (turns.next() && rounds++ < 1_000);
    expect(results.find(({ id }) => id === 1)).toEqual({ id: 1 });
  });

  it('drops cancelled prompts', () => {
    const { turns, results } = turnsWith(1);
    turns.add({ id: 1, bytes: bytesOf('hi') });
    turns.cancel(1);
    expect(turns.next()).toBe(false);
    expect(results).toEqual([]);
  });
});
