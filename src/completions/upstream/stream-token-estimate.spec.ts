import { describe, expect, it } from 'vitest';
import { openaiStream } from '../../call-types/openai-stream.js';
import { StreamTokenEstimate } from './stream-token-estimate.js';

const says = (content: string, more: object = {}) =>
  `data: ${JSON.stringify({ choices: [{ delta: { content, ...more } }] })}\n\n`;

function tokensOf(...pieces: readonly string[]): number {
  const delivered = new StreamTokenEstimate(openaiStream.textMembers);
  for (const piece of pieces) delivered.add(Buffer.from(piece));
  return delivered.tokens;
}

describe('the estimate of delivered tokens', () => {
  it.each<[string, number, ...string[]]>([
    ['is one token for each event', 3, says('a') + says('b'), says('c')],
    ['is the text if that is more: four bytes are a token', 5, says('a text of 18 bytes')],
    ['counts the text of all members', 4, says('12345678', { reasoning_content: '12345678' })],
    ['counts no comment and no event name', 1, `: keep-alive\n\nevent: delta\n${says('a')}`],
    ['counts no event that is part of a text', 4, says('data: \n\ndata: ')],
    ['is zero before the first event', 0],
  ])('%s', (_, tokens, ...pieces) => {
    expect(tokensOf(...pieces)).toBe(tokens);
  }); // prettier-ignore

  it('takes pieces that are not measured to be like measured ones', () => {
    const pieces = Array.from({ length: 1_000 }, () => says('a text of 18 bytes').repeat(3));
    expect(tokensOf(...pieces)).toBe((3_000 * 18) / 4);
  });

  it('always measures large events', () => {
    const before = Array.from({ length: 10 }, () => says('a'));
    expect(tokensOf(...before, says('x'.repeat(20_000)))).toBe(5_003);
  });
});
