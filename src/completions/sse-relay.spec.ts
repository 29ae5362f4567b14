import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openaiStream } from '../kinds/openai-stream.js';
import { SseRelay } from './sse-relay.js';

const event = (data: unknown, end = '\n\n') =>
  `data: ${typeof data === 'string' ? data : JSON.stringify(data)}${end}`;
const delta = (text: string, extra: object = {}) =>
  event({ choices: [{ delta: { content: text } }], ...extra });
const usage = { prompt_tokens: 3, completion_tokens: 2 };
const usageEvent = event({ choices: [], usage });
const DONE = event('[DONE]');

/** What a client gets of `text`, cut at `cuts`; the terminator apart. */
function relayed(text: string, showUsage = false, cuts: readonly number[] = []) {
  const relay = new SseRelay(openaiStream, showUsage);
  const bytes = Buffer.from(text);
  const passed: Buffer[] = [];
  let from = 0;
  for (const at of [...cuts, bytes.length]) {
    const out = relay.push(bytes.subarray(from, at));
    if (out) passed.push(out);
    from = at;
  }
  const rest = relay.rest();
  if (rest) passed.push(rest);
  return {
    text: Buffer.concat(passed).toString(),
    usage: relay.usage,
    done: relay.terminator?.toString(),
    events: relay.events,
  };
}
const counted = { inputTokens: 3, outputTokens: 2 };

describe('a relayed stream', () => {
  it('is the same bytes, but for the usage nobody asked for and the terminator that waits', () => {
    const text = delta('a') + delta('b') + usageEvent + DONE;
    expect(relayed(text)).toEqual({ text: delta('a') + delta('b'), usage: counted, done: DONE, events: 2 });
    expect(relayed(text, true)).toEqual({
      text: delta('a') + delta('b') + usageEvent,
      usage: counted,
      done: DONE,
      events: 3,
    });
  });

  it('keeps an event that carries usage and text', () => {
    const last = delta('b', { usage });
    expect(relayed(last + DONE)).toMatchObject({ text: last, usage: counted });
  });

  it('is not fooled by what a model says', () => {
    const said =
      delta('data: [DONE]\n\n') + delta('"usage":{"prompt_tokens":1}') + delta('x', { usage: null });
    expect(relayed(said + usageEvent + DONE)).toEqual({
      text: said,
      usage: counted,
      done: DONE,
      events: 3,
    });
  });

  it('shows nothing that comes after the terminator', () => {
    expect(relayed(delta('a') + DONE + delta('late')).text).toBe(delta('a'));
  });

  it('hands on what is left when it breaks off in the middle', () => {
    expect(relayed(delta('a') + 'data: {"cho').text).toBe(delta('a') + 'data: {"cho');
  });

  it('knows other line ends and comments', () => {
    const text = `: keep-alive\r\n\r\n${delta('a').replaceAll('\n', '\r\n')}`;
    expect(relayed(text + DONE.replaceAll('\n', '\r\n'))).toMatchObject({
      text,
      done: DONE.replaceAll('\n', '\r\n'),
    });
  });

  it('does not depend on how the bytes arrive', () => {
    const text = delta('grüße 🎈') + delta('x', { usage: null }) + delta('[DONE]') + usageEvent + DONE;
    const whole = relayed(text);
    const { length } = Buffer.from(text);
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: length })), (cuts) => {
        expect(
          relayed(
            text,
            false,
            cuts.toSorted((a, b) => a - b),
          ),
        ).toEqual(whole);
      }),
    );
  });

  it('ends a stream whose event never ends', () => {
    const relay = new SseRelay(openaiStream, false);
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    expect(() => {
      for (let i = 0; i < 10; i++) relay.push(chunk);
    }).toThrow('too large');
  });
});
