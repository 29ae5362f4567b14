import { describe, expect, it } from 'vitest';
import { longestMs } from './sound-length.js';

/** A second of sound in so many channels, samples and bits. */
function wav({ format = 1, channels = 1, samples = 8_000, bits = 8 } = {}): Buffer {
  const bytes = Buffer.alloc(44 + (channels * samples * bits) / 8);
  bytes.write('RIFF\0\0\0\0WAVEfmt ', 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(format, 20);
  bytes.writeUInt16LE(channels, 22);
  bytes.writeUInt32LE(samples, 24);
  bytes.writeUInt16LE(bits, 34);
  return bytes;
}

describe('the longest a file of sound can be', () => {
  it.each([
    [{}, 1_006],
    [{ channels: 2, samples: 44_100, bits: 16 }, 1_001],
    [{ format: 3, samples: 16_000, bits: 32 }, 1_001],
  ])('of uncompressed sound is its length: %j', (kind, ms) => expect(longestMs(wav(kind))).toBe(ms));

  it.each([
    ['compressed', wav({ format: 85 })],
    ['no channels', wav({ channels: 0 })],
    ['another format', Buffer.alloc(8_044, 0xff)],
  ])('of anything else is what its size allows: %s', (_, file) =>
    expect(longestMs(file)).toBe(file.length * 2),
  );

  it('of nothing is nothing', () => expect(longestMs(Buffer.alloc(0))).toBe(0));
});
