import { containerDurationMs } from './container-duration.js';

/** Fewer than any codec makes of a second of speech, silence aside: 4 kbit. */
const LEAST_BYTES_PER_SECOND = 500;

/** What a form says of a file beside its bytes. */
export interface SaidOfFile {
  readonly fileName?: string;
  readonly contentType?: string;
}

/**
 * The longest a file of sound can be, in milliseconds: of uncompressed WAV its length; of all others what its size allows,
 * or more where the file says so itself: silence takes next to no bytes.
 */
export function longestDurationMs(file: Buffer, said: SaidOfFile): number {
  const bytesPerSecond = saysWav(said) ? wavBytesPerSecond(file) : undefined;
  if (bytesPerSecond !== undefined) return Math.ceil((file.length * 1_000) / bytesPerSecond);
  return Math.max(Math.ceil((file.length * 1_000) / LEAST_BYTES_PER_SECOND), containerDurationMs(file) ?? 0);
}

const WAV_NAME = /\.wave?$/i;
const WAV_TYPE = /^audio\/(?:x-|vnd\.)?wave?$/i;

/** A provider may go by the name or by the type: one of them says WAV, the other at least nothing else. */
function saysWav({ fileName, contentType }: SaidOfFile): boolean {
  const byName = fileName === undefined ? undefined : WAV_NAME.test(fileName);
  const byType =
    contentType === undefined || contentType === ANY_TYPE ? undefined : WAV_TYPE.test(contentType);
  return (byName ?? byType ?? false) && (byType ?? true);
}

/** Says nothing: clients that do not know a file's type send this. */
const ANY_TYPE = 'application/octet-stream';

const FORMAT_AT = 12;
const CHUNK_HEAD = 8;
const LEAST_FORMAT_BYTES = 16;
/** PCM, float, A-law, µ-law: as many bytes for every sample. */
const UNCOMPRESSED = new Set([1, 3, 6, 7]);
/** A-law and µ-law: a byte for every sample, whatever a header says. */
const COMPANDED = new Set([6, 7]);
const SAMPLE_BITS = new Set([8, 16, 24, 32, 64]);
/** What anybody records speech with, and the APIs take: beyond it a header only claims that the sound is short. */
const MAX_CHANNELS = 2;
const MAX_SAMPLES_PER_SECOND = 96_000;
/** Chunks that may stand between format and sound, and what may follow it: titles, markers. */
const MAX_CHUNKS = 16;
const MAX_OTHER_BYTES = 64 * 1_024;

/** What a WAV of this header takes a second; undefined where the header is none, or is not to be believed. */
function wavBytesPerSecond(file: Buffer): number | undefined {
  const word = (at: number) => file.toString('latin1', at, at + 4);
  if (file.length < FORMAT_AT + 24 || word(0) !== 'RIFF' || word(8) !== 'WAVE' || word(FORMAT_AT) !== 'fmt ')
    return undefined;
  const format = FORMAT_AT + CHUNK_HEAD;
  const encoding = file.readUInt16LE(format);
  if (!UNCOMPRESSED.has(encoding)) return undefined;
  const channels = file.readUInt16LE(format + 2);
  const samples = file.readUInt32LE(format + 4);
  const bits = file.readUInt16LE(format + 14);
  const isPlausible =
    channels >= 1 &&
    channels <= MAX_CHANNELS &&
    samples >= 1 &&
    samples <= MAX_SAMPLES_PER_SECOND &&
    (COMPANDED.has(encoding) ? bits === 8 : SAMPLE_BITS.has(bits));
  return isPlausible && isFilledBySound(file) ? (channels * samples * bits) / 8 : undefined;
}

/** Does the `data` chunk hold all of the file but its head and a little beside it? */
function isFilledBySound(file: Buffer): boolean {
  const formatBytes = file.readUInt32LE(FORMAT_AT + 4);
  if (formatBytes < LEAST_FORMAT_BYTES) return false;
  let at = FORMAT_AT + CHUNK_HEAD + formatBytes + (formatBytes % 2);
  for (let chunks = 0; chunks < MAX_CHUNKS && at + CHUNK_HEAD <= file.length; chunks++) {
    const bytes = file.readUInt32LE(at + 4);
    const sound = at + CHUNK_HEAD;
    if (file.toString('latin1', at, at + 4) === 'data') {
      const rest = file.length - sound;
      // What is written while it is recorded does not know its length yet.
      const isWhole = bytes === UNKNOWN_LENGTH || (bytes <= rest && rest - bytes <= MAX_OTHER_BYTES);
      return sound <= MAX_OTHER_BYTES && isWhole;
    }
    at = sound + bytes + (bytes % 2);
  }
  return false;
}

const UNKNOWN_LENGTH = 0xffff_ffff;
