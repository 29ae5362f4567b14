import { describe, expect, it } from 'vitest';
import { longestDurationMs } from './audio-duration.js';

/** Returns a second of audio. */
function wav({ format = 1, channels = 1, samples = 8_000, bits = 8 } = {}): Buffer {
  const bytes = Buffer.alloc(44 + (channels * samples * bits) / 8);
  bytes.write('RIFF\0\0\0\0WAVEfmt ', 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(format, 20);
  bytes.writeUInt16LE(channels, 22);
  bytes.writeUInt32LE(samples, 24);
  bytes.writeUInt16LE(bits, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(bytes.length - 44, 40);
  return bytes;
}

const WAV = { fileName: 'a.wav' };

/** Returns a second of mono, 8 bit, with a changed header. */
function claiming(write: (head: Buffer) => void, more = Buffer.alloc(0)): Buffer {
  const file = Buffer.concat([wav(), more]);
  write(file);
  return file;
}

describe('the longest possible duration of an audio file', () => {
  it.each([
    [{}, 1_006],
    [{ channels: 2, samples: 44_100, bits: 16 }, 1_001],
    [{ format: 3, samples: 16_000, bits: 32 }, 1_001],
  ])('of uncompressed audio is its length: %j', (kind, ms) =>
    expect(longestDurationMs(wav(kind), WAV)).toBe(ms),
  );

  it.each([
    ['compressed', wav({ format: 85 })],
    ['A-law of other than 8 bits', wav({ format: 6, bits: 64 })],
    ['µ-law of other than 8 bits', wav({ format: 7, bits: 16 })],
    ['no channels', wav({ channels: 0 })],
    ['another format', Buffer.alloc(8_044, 0xff)],
    ['more channels than two', claiming((head) => head.writeUInt16LE(8, 22))],
    ['more samples than a recorder takes', claiming((head) => head.writeUInt32LE(384_000, 24))],
    ['bits no sample has', claiming((head) => head.writeUInt16LE(12, 34))],
    ['bits no sample has, but many', claiming((head) => head.writeUInt16LE(65_535, 34))],
    ['audio that is longer than the file', claiming((head) => head.writeUInt32LE(8_001, 40))],
    ['a file that goes on after its audio', claiming(() => {}, Buffer.alloc(70_000))],
    ['no audio', claiming((head) => head.write('junk', 36, 'latin1'))],
  ])('of any other file is the maximum for its size: %s', (_, file) =>
    expect(longestDurationMs(file, WAV)).toBe(file.length * 2),
  );

  it.each([
    [{}, false],
    [{ fileName: 'a.mp3' }, false],
    [{ fileName: '' }, false],
    [{ fileName: 'A.WAV' }, true],
    [{ fileName: 'a.wav', contentType: 'audio/x-wav' }, true],
    [{ fileName: 'a.wav', contentType: 'application/octet-stream' }, true],
    [{ fileName: 'a.wav', contentType: 'audio/mpeg' }, false],
    [{ fileName: 'a.mp3', contentType: 'audio/wav' }, false],
    [{ contentType: 'audio/wav' }, true],
    [{ contentType: 'application/octet-stream' }, false],
  ])('uses the header if the form says WAV: %j, %s', (label, usesHeader) =>
    expect(longestDurationMs(wav(), label)).toBe(usesHeader ? 1_006 : 16_088),
  );

  it('does not count titles before and after the audio, and accepts an unknown length', () => {
    const list = Buffer.from('LIST\x05\0\0\0INFOx\0', 'latin1');
    const plain = wav();
    const titled = Buffer.concat([plain.subarray(0, 36), list, plain.subarray(36), list]);
    expect(longestDurationMs(titled, WAV)).toBe(Math.ceil((titled.length * 1_000) / 8_000));
    plain.writeUInt32LE(0xffff_ffff, 40);
    expect(longestDurationMs(plain, WAV)).toBe(1_006);
  });

  it('of an empty file is 0', () => expect(longestDurationMs(Buffer.alloc(0), WAV)).toBe(0));
});
