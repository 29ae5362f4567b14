/** Returns the duration that an audio file's container states, in milliseconds. Undefined if it states none, or has another format. */
export function containerDurationMs(file: Buffer): number | undefined {
  const seconds = flacSeconds(file) ?? oggSeconds(file) ?? mp4Seconds(file);
  return seconds !== undefined && Number.isFinite(seconds) ? Math.ceil(seconds * 1_000) : undefined;
}

const STREAM_INFO_END = 42;
/** Size of the smallest FLAC frame: its header, one value for all samples, two checksums. */
const LEAST_FRAME_BYTES = 11;

/** Returns the seconds of a FLAC file. If it states no number of samples, its bytes are taken for frames of minimum size. */
function flacSeconds(file: Buffer): number | undefined {
  if (file.length < STREAM_INFO_END || file.toString('latin1', 0, 4) !== 'fLaC' || (file[4]! & 0x7f) !== 0)
    return undefined;
  const samplesOfFrame = file.readUInt16BE(10);
  const rateAndSamples = file.readBigUInt64BE(18);
  const rate = Number(rateAndSamples >> 44n);
  const samples = Number(rateAndSamples & 0xf_ffff_ffffn);
  return (samples || Math.ceil(file.length / LEAST_FRAME_BYTES) * samplesOfFrame) / rate;
}

const PAGE_HEAD = 27;
const BEGINS_STREAM = 0x02;
const OPUS_RATE = 48_000;

/** Returns the seconds of an Ogg file: the sum of the last positions of its streams. */
function oggSeconds(file: Buffer): number | undefined {
  let rate: number | undefined;
  let seconds: number | undefined;
  let position = 0;
  for (let at = 0; at + PAGE_HEAD <= file.length && file.toString('latin1', at, at + 4) === 'OggS';) {
    const lacing = file.subarray(at + PAGE_HEAD, at + PAGE_HEAD + file[at + 26]!);
    const packet = at + PAGE_HEAD + lacing.length;
    const granule = file.readBigInt64LE(at + 6);
    if (file[at + 5]! & BEGINS_STREAM) {
      seconds = (seconds ?? 0) + (rate ? position / rate : 0);
      rate = rateOf(file.subarray(packet, packet + 64));
      position = 0;
    }
    // No packet ends on a page whose position is -1.
    if (granule > 0n) position = Math.max(position, Number(granule));
    at = packet + lacing.reduce((sum, bytes) => sum + bytes, 0);
  }
  return rate && (seconds ?? 0) + position / rate;
}

/** Returns the samples per second in a stream's first packet. Undefined for an unknown codec. */
function rateOf(packet: Buffer): number | undefined {
  if (packet.toString('latin1', 0, 8) === 'OpusHead') return OPUS_RATE;
  if (packet.toString('latin1', 1, 7) === 'vorbis' && packet.length >= 16) return packet.readUInt32LE(12);
  if (packet.toString('latin1', 0, 5) === 'Speex' && packet.length >= 40) return packet.readUInt32LE(36);
  if (packet.toString('latin1', 1, 5) === 'FLAC' && packet.length >= 30) return packet.readUIntBE(27, 3) >> 4;
  return undefined;
}

/** Returns the seconds in the `mvhd` box of an MP4 or M4A file. */
function mp4Seconds(file: Buffer): number | undefined {
  if (file.toString('latin1', 4, 8) !== 'ftyp') return undefined;
  const box = file.indexOf('mvhd');
  if (box < 0 || box + 36 > file.length) return undefined;
  const isLong = file[box + 4] === 1;
  const scale = file.readUInt32BE(box + (isLong ? 24 : 16));
  const length = isLong ? Number(file.readBigUInt64BE(box + 28)) : file.readUInt32BE(box + 20);
  // If all bits are set, the length is unknown.
  const isKnown = isLong ? length < 2 ** 63 : length !== 0xffff_ffff;
  return scale && isKnown ? length / scale : undefined;
}
