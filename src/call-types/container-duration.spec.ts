import { describe, expect, it } from 'vitest';
import { containerDurationMs } from './container-duration.js';
import { longestDurationMs } from './audio-duration.js';

function flac(samples: number, rate = 8_000): Buffer {
  const file = Buffer.alloc(100);
  file.write('fLaC', 'latin1');
  file.writeUInt16BE(4_096, 10);
  file.writeBigUInt64BE((BigInt(rate) << 44n) | BigInt(samples), 18);
  return file;
}

/** Returns one page with one packet that begins with `first`. */
function page(first: string, granule: number, flags = 0): Buffer {
  const file = Buffer.alloc(28 + 40);
  file.write('OggS', 'latin1');
  file[5] = flags;
  file.writeBigInt64LE(BigInt(granule), 6);
  file[26] = 1;
  file[27] = 40;
  file.write(first, 28, 'latin1');
  return file;
}

function mp4(version: number, length: number): Buffer {
  const file = Buffer.alloc(100);
  file.write('ftyp', 4, 'latin1');
  file.write('mvhd', 40, 'latin1');
  file[44] = version;
  file.writeUInt32BE(1_000, 40 + (version ? 24 : 16));
  if (version) file.writeBigUInt64BE(BigInt(length), 68);
  else file.writeUInt32BE(length, 60);
  return file;
}

const opus = (granule: number) => [page('OpusHead', 0, 2), page('x', granule), page('y', -1)];

describe('the duration that a container states', () => {
  it.each<[string, Buffer, number | undefined]>([
    ['of FLAC', flac(80_000), 10_000],
    ['of FLAC without a number of samples: the maximum for its size', flac(0), 5_120],
    ['of Opus', Buffer.concat(opus(480_000)), 10_000],
    ['of two Opus streams in a row', Buffer.concat([...opus(480_000), ...opus(96_000)]), 12_000],
    ['of MP4', mp4(0, 7_000), 7_000],
    ['of a long MP4', mp4(1, 7_000), 7_000],
    ['of MP4 without a length', mp4(0, 0xffff_ffff), undefined],
    ['of nothing', Buffer.alloc(0), undefined],
    ['of noise', Buffer.alloc(100, 0xff), undefined],
    ['of FLAC cut off', flac(80_000).subarray(0, 20), undefined],
  ])('%s', (_, file, ms) => expect(containerDurationMs(file)).toBe(ms));

  it('counts if it is longer than the maximum for the size', () => {
    expect(longestDurationMs(flac(80_000), {})).toBe(10_000);
    expect(longestDurationMs(flac(80), {})).toBe(200);
  });
});
