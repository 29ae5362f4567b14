import { containerDurationMs } from './container-duration.js';

/** Minimum bytes of a second of speech in any codec (4 kbit), silence aside. */
const LEAST_BYTES_PER_SECOND = 500;

/** Name and type of a file in a form. */
export interface FileLabel {
  readonly fileName?: string;
  readonly contentType?: string;
}

/**
 * Returns the longest possible duration of an audio file, in milliseconds. It is the exact duration of uncompressed WAV. For
 * other files it is the maximum for their size, or the duration in the container if that is longer: silence takes few bytes.
 */
export function longestDurationMs(file: Buffer, label: FileLabel): number {
  const bytesPerSecond = isLabelledWav(label) ? wavBytesPerSecond(file) : undefined;
  if (bytesPerSecond !== undefined) return Math.ceil((file.length * 1_000) / bytesPerSecond);
  return Math.max(Math.ceil((file.length * 1_000) / LEAST_BYTES_PER_SECOND), containerDurationMs(file) ?? 0);
}

const WAV_NAME = /\.wave?$/i;
const WAV_TYPE = /^audio\/(?:x-|vnd\.)?wave?$/i;

/** Returns whether the name or the type says WAV and the other does not contradict, because a provider may use either. */
function isLabelledWav({ fileName, contentType }: FileLabel): boolean {
  const byName = fileName === undefined ? undefined : WAV_NAME.test(fileName);
  const byType =
    contentType === undefined || contentType === ANY_TYPE ? undefined : WAV_TYPE.test(contentType);
  return (byName ?? byType ?? false) && (byType ?? true);
}

/** The type that clients send if they do not know a file's type. */
const ANY_TYPE = 'application/octet-stream';

const FORMAT_AT = 12;
const CHUNK_HEAD = 8;
const LEAST_FORMAT_BYTES = 16;
/** PCM, float, A-law, µ-law: encodings with a fixed number of bytes per sample. */
const UNCOMPRESSED = new Set([1, 3, 6, 7]);
/** A-law and µ-law: encodings with one byte per sample, whatever the header says. */
const COMPANDED = new Set([6, 7]);
const SAMPLE_BITS = new Set([8, 16, 24, 32, 64]);
/** Maximum channels of recorded speech. A header with more would only claim a shorter duration. */
const MAX_CHANNELS = 2;
/** Maximum sample rate of recorded speech. */
const MAX_SAMPLES_PER_SECOND = 96_000;
/** Maximum chunks between format and audio, such as titles and markers. */
const MAX_CHUNKS = 16;
/** Maximum bytes before the audio, and after it. */
const MAX_OTHER_BYTES = 64 * 1_024;

/** Returns the bytes per second of a WAV file. Undefined if the header is missing or not plausible. */
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
  return isPlausible && isFilledByAudio(file) ? (channels * samples * bits) / 8 : undefined;
}

/** Returns whether the `data` chunk holds almost the whole file. */
function isFilledByAudio(file: Buffer): boolean {
  const formatBytes = file.readUInt32LE(FORMAT_AT + 4);
  if (formatBytes < LEAST_FORMAT_BYTES) return false;
  let at = FORMAT_AT + CHUNK_HEAD + formatBytes + (formatBytes % 2);
  for (let chunks = 0; chunks < MAX_CHUNKS && at + CHUNK_HEAD <= file.length; chunks++) {
    const bytes = file.readUInt32LE(at + 4);
    const audioStart = at + CHUNK_HEAD;
    if (file.toString('latin1', at, at + 4) === 'data') {
      const rest = file.length - audioStart;
      // A file that is written during the recording has no length yet.
      const isWhole = bytes === UNKNOWN_LENGTH || (bytes <= rest && rest - bytes <= MAX_OTHER_BYTES);
      return audioStart <= MAX_OTHER_BYTES && isWhole;
    }
    at = audioStart + bytes + (bytes % 2);
  }
  return false;
}

const UNKNOWN_LENGTH = 0xffff_ffff;
