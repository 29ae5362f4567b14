import { describe, expect, it } from 'vitest';
import { CountingTurns } from './counting-turns.js';
import { promptTokens } from './prompt-tokens.js';
import type { CountingAnswer } from './token-worker.js';

const bytesOf = (content: string) => Buffer.from(JSON.stringify({ messages: [{ role: 'user', content }] }));

/** Every piece takes as long as its bytes say. */
function turnsWith(msPerLook: number) {
  const answers: CountingAnswer[] = [];
  let now = 0;
  const turns = new CountingTurns((answer) => answers.push(answer), () => (now += msPerLook)); // prettier-ignore
  return { turns, answers };
}

describe('counting in turns', () => {
  it('counts what one thread would count alone', () => {
    const { turns, answers } = turnsWith(0.1);
    const texts = ['short', 'word '.repeat(5_000), '漢字'.repeat(500)];
    texts.forEach((text, id) => turns.add({ id, bytes: bytesOf(text) }));
    while (turns.next());
    for (const [id, text] of texts.entries()) {
      const counted = promptTokens(JSON.parse(bytesOf(text).toString()) as Record<string, unknown>);
      expect(answers.find((answer) => answer.id === id)!.counted!.tokens).toBe(counted);
    }
  });

  it('counts a body in which something is given twice by its bytes', () => {
    const { turns, answers } = turnsWith(0.1);
    const bytes = Buffer.from(
      `{"messages":[{"content":"${'word '.repeat(500)}","content":"x","\\u0063ontent":"y"}]}`,
    );
    turns.add({ id: 1, bytes });
    turns.add({ id: 2, bytes: Buffer.from('{"messages":[{"content":"x","Content":"y","a":{"a":[{}]}}]}') });
    while (turns.next());
    expect(answers[0]).toMatchObject({ id: 1, counted: { tokens: bytes.length } });
    expect(answers[1]!.counted!.tokens).toBeLessThan(150);
  });

  it('answers a small prompt long before a large one that came first', () => {
    const { turns, answers } = turnsWith(2);
    turns.add({ id: 1, bytes: bytesOf('word '.repeat(50_000)) });
    turns.add({ id: 2, bytes: bytesOf('hi') });
    for (let i = 0; i < 10; i++) turns.next();
    expect(answers).toEqual([{ id: 2, counted: expect.anything() as unknown }]);
  });

  it('gives up only the prompt that took too long itself', () => {
    const { turns, answers } = turnsWith(1_000);
    turns.add({ id: 1, bytes: bytesOf('word '.repeat(5_000)) });
    turns.add({ id: 2, bytes: bytesOf('') });
    let rounds = 0;
    while (turns.next() && rounds++ < 1_000);
    expect(answers.find(({ id }) => id === 1)).toEqual({ id: 1 });
  });

  it('forgets what nobody waits for', () => {
    const { turns, answers } = turnsWith(1);
    turns.add({ id: 1, bytes: bytesOf('hi') });
    turns.cancel(1);
    expect(turns.next()).toBe(false);
    expect(answers).toEqual([]);
  });
});
