import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { BodiesUnderWay } from '../../body/bodies-under-way.js';
import type { CallType } from '../../call-types/call-type.js';
import { imageGeneration } from '../../call-types/image-generation.js';
import { messages } from '../../call-types/messages.js';
import { openaiStream } from '../../call-types/openai-stream.js';
import { responses } from '../../call-types/responses.js';
import { speech } from '../../call-types/speech.js';
import { transcription } from '../../call-types/transcription.js';
import { SseRelay } from './sse-relay.js';

const LARGE_EVENTS = new BodiesUnderWay(1_000_000_000);

const event = (data: unknown, end = '\n\n') =>
  `data: ${typeof data === 'string' ? data : JSON.stringify(data)}${end}`;
const delta = (text: string, extra: object = {}) =>
  event({ choices: [{ delta: { content: text } }], ...extra });
const usage = { prompt_tokens: 3, completion_tokens: 2 };
const usageEvent = event({ choices: [], usage });
const DONE = event('[DONE]');

/** Returns what a client receives of `text` that arrives cut at `cuts`. The terminator is returned apart. */
function relayed(text: string, showUsage = false, cuts: readonly number[] = [], form = openaiStream) {
  const relay = new SseRelay(form, showUsage, LARGE_EVENTS);
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
    events: relay.estimate.events,
  };
}
const counted = { inputTokens: 3, outputTokens: 2 };

describe('a relayed stream', () => {
  it('is the same bytes, except the usage that the client did not ask for and the withheld terminator', () => {
    const text = delta('a') + delta('b') + usageEvent + DONE;
    expect(relayed(text)).toEqual({ text: delta('a') + delta('b'), usage: counted, done: DONE, events: 2 });
    expect(relayed(text, true)).toEqual({
      text: delta('a') + delta('b') + usageEvent,
      usage: counted,
      done: DONE,
      events: 3,
    });
  });

  it('reads lines that end with bare carriage returns', () => {
    const text = (delta('a') + delta('b') + usageEvent + DONE).replaceAll('\n', '\r');
    for (const cuts of [[], [5], [delta('a').length - 1], [delta('a').length]]) {
      const { text: passed, usage: read, done } = relayed(text, false, cuts);
      expect([passed.replaceAll('\r', '\n'), read, done]).toEqual([delta('a') + delta('b'), counted, DONE]);
    }
  });

  it('reads data over several lines', () => {
    const lines = `data: {"choices":[],\ndata: "usage":\r\ndata:${JSON.stringify(usage)}}\n\n`;
    expect(relayed(delta('a') + lines + DONE)).toMatchObject({
      text: delta('a'),
      usage: counted,
      done: DONE,
    });
  });

  it('forwards an event that carries usage and text', () => {
    const last = delta('b', { usage });
    expect(relayed(last + DONE)).toMatchObject({ text: last, usage: counted });
  });

  it('takes no text of a model for an event', () => {
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

  it('forwards the rest when it breaks off in the middle of an event', () => {
    expect(relayed(delta('a') + 'data: {"cho').text).toBe(delta('a') + 'data: {"cho');
  });

  it('accepts other line ends and comments', () => {
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
    const relay = new SseRelay(openaiStream, false, LARGE_EVENTS);
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    expect(() => {
      for (let i = 0; i < 64; i++) relay.push(chunk);
    }).not.toThrow();
    expect(() => relay.push(chunk)).toThrow('an event of more than 64 MiB');
  });
});

const typed = (type: string, more: object = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;

it('large events of all streams together are bounded, until the streams are over', () => {
  const shared = new BodiesUnderWay(20 * 1024 * 1024);
  const chunk = Buffer.alloc(10 * 1024 * 1024, 'x');
  const [first, second, third] = [1, 2, 3].map(() => new SseRelay(openaiStream, false, shared));
  first!.push(chunk);
  second!.push(chunk);
  expect(() => third!.push(chunk)).toThrow('more large events at once');
  first!.release();
  expect(() => new SseRelay(openaiStream, false, shared).push(chunk)).not.toThrow();
});

describe('the withheld events, and the usage in them', () => {
  const start = typed('message_start', { message: { usage: { input_tokens: 3, cache_read_input_tokens: 4, output_tokens: 1 } } }); // prettier-ignore
  const said = typed('content_block_delta', { delta: { type: 'text_delta', text: '"message_stop"' } });
  const used = { input_tokens: 3, output_tokens: 2 };
  const drawn = typed('image_generation.completed', { b64_json: 'a', usage: used });
  const partial = typed('image_generation.partial_image', { b64_json: 'b' });
  const usageOfAll = { inputTokens: 3, outputTokens: 2 };

  it.each<[string, CallType, string, string, object | undefined]>([
    ['Messages', messages, start + said + typed('message_delta', { usage: { output_tokens: 2 } }), typed('message_stop'), { inputTokens: 7, cachedInputTokens: 4, outputTokens: 2 }],
    ['… whose end reports less of the prompt', messages, start + typed('message_delta', { usage: { input_tokens: 0, output_tokens: 2 } }), typed('message_stop'), { inputTokens: 7, cachedInputTokens: 4, outputTokens: 2 }],
    ['… or more', messages, start + typed('message_delta', { usage: { input_tokens: 9, output_tokens: 2 } }), typed('message_stop'), { inputTokens: 9, outputTokens: 2 }],
    ['Responses', responses, typed('response.output_text.delta', { delta: '"response.completed"' }), typed('response.completed', { response: { usage: used } }), usageOfAll],
    ['… that are cut short', responses, '', typed('response.incomplete', { response: { usage: used } }), usageOfAll],
    ['… that fail', responses, '', typed('response.failed', { response: { usage: null } }), undefined],
    ['a transcript', transcription, typed('transcript.text.delta', { delta: 'a' }), typed('transcript.text.done', { usage: used }), usageOfAll],
    ['speech', speech, typed('speech.audio.delta', { audio: 'a' }), typed('speech.audio.done', { usage: used }), usageOfAll],
    ['two images', imageGeneration, partial, drawn + partial + drawn, { inputTokens: 6, outputTokens: 4, outputImageTokens: 4 }],
  ])('%s', (_, { stream }, passed, waits, usage) => {
    expect(relayed(passed + waits, true, [], stream)).toMatchObject({ text: passed, usage, done: waits });
  }); // prettier-ignore

  it('Messages: the prompt tokens of a broken stream are only a part of its usage', () => {
    const relay = new SseRelay(messages.stream, true, LARGE_EVENTS);
    relay.push(Buffer.from(start + said));
    expect(relay).toMatchObject({ usage: { inputTokens: 7 }, usageIsPartial: true });
    relay.push(Buffer.from(typed('message_delta', { usage: { output_tokens: 2 } })));
    expect(relay.usageIsPartial).toBe(false);
  });

  it('joins an event once, in however many pieces it arrives', () => {
    const concat = vi.spyOn(Buffer, 'concat');
    const text = delta('x'.repeat(20_000));
    const cuts = Array.from({ length: 2_000 }, (_, n) => (n + 1) * 10);
    expect(relayed(text, false, cuts).text).toBe(text);
    expect(concat.mock.calls.length).toBeLessThan(10);
    concat.mockRestore();
  });

  it('withholds what follows the first of several ends without joining it again and again', () => {
    const concat = vi.spyOn(Buffer, 'concat');
    const waits = drawn + '\n'.repeat(100_000) + drawn;
    const cuts = Array.from({ length: 2_000 }, (_, n) => n * 50);
    const { done, usage, text } = relayed(partial + waits, true, cuts, imageGeneration.stream);
    const copied = concat.mock.results.reduce((sum, { value }) => sum + (value as Buffer).length, 0);
    concat.mockRestore();
    expect(copied).toBeLessThan(4 * waits.length);
    expect([text, done === waits]).toEqual([partial, true]);
    expect(usage).toMatchObject({ inputTokens: 6, outputTokens: 4 });
  });

  it('does not wait for the end of an event without an end', () => {
    const relay = new SseRelay(openaiStream, false, LARGE_EVENTS);
    const piece = Buffer.alloc(1024 * 1024, 0x61);
    expect(() => {
      for (let n = 0; n < 65; n++) relay.push(piece);
    }).toThrow('an event of more than 64 MiB');
  });
});
