/** Fewer than any codec makes of a second of speech, silence aside: 4 kbit. */
const LEAST_BYTES_PER_SECOND = 500;

/** The longest a file of sound can be, in milliseconds: of uncompressed WAV its length, of all others what its size allows. */
export function longestMs(file: Buffer): number {
  return Math.ceil((file.length * 1_000) / (wavBytesPerSecond(file) ?? LEAST_BYTES_PER_SECOND));
}

const FORMAT_AT = 12;
/** PCM, float, A-law, µ-law: as many bytes for every sample. */
const UNCOMPRESSED = new Set([1, 3, 6, 7]);

function wavBytesPerSecond(file: Buffer): number | undefined {
  const word = (at: number) => file.toString('latin1', at, at + 4);
  if (file.length < FORMAT_AT + 24 || word(0) !== 'RIFF' || word(8) !== 'WAVE' || word(FORMAT_AT) !== 'fmt ')
    return undefined;
  const format = FORMAT_AT + 8;
  if (!UNCOMPRESSED.has(file.readUInt16LE(format))) return undefined;
  const channels = file.readUInt16LE(format + 2);
  const samples = file.readUInt32LE(format + 4);
  const bits = file.readUInt16LE(format + 14);
  return channels && samples && bits ? (channels * samples * bits) / 8 : undefined;
}
