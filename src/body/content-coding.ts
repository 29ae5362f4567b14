import { UnsupportedMediaTypeException } from '@nestjs/common';
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';

/** Base-2 logarithm of the largest window of a zstd body (RFC 9659). Node would accept 128 MB. */
const MAX_ZSTD_WINDOW_LOG = 23;

type DecoderFactory = () => Transform;

/** The part of `node:zlib` that Node has since 22.15. */
interface Zstd {
  readonly createZstdDecompress?: (options: { readonly params: Record<number, number> }) => Transform;
  readonly constants: { readonly ZSTD_d_windowLogMax?: number };
}

const { createZstdDecompress, constants } = zlib as Zstd;
const ZSTD_PARAMS = { [constants.ZSTD_d_windowLogMax!]: MAX_ZSTD_WINDOW_LOG };

const DECODERS: ReadonlyMap<string, DecoderFactory> = new Map<string, DecoderFactory>([
  ['gzip', () => zlib.createGunzip()],
  ['deflate', () => zlib.createInflate()],
  ['br', () => zlib.createBrotliDecompress()],
  ...(createZstdDecompress
    ? [['zstd', () => createZstdDecompress({ params: ZSTD_PARAMS })] as [string, DecoderFactory]]
    : []),
]);

const ACCEPTED = [...DECODERS.keys()].join(', ');

/** Codings that are other names of a coding or of none. */
const OTHER_NAMES: Readonly<Record<string, string>> = { 'x-gzip': 'gzip', identity: '' };

/**
 * Returns a decoder for the body that `content-encoding` describes; undefined if the body is not compressed. Throws 415 for an
 * unknown coding, and for several at once.
 */
export function decoderOf(contentEncoding: string | undefined): Transform | undefined {
  if (contentEncoding === undefined) return undefined;
  const codings = contentEncoding
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .map((coding) => OTHER_NAMES[coding] ?? coding)
    .filter(Boolean);
  if (!codings.length) return undefined;
  const createDecoder = codings.length === 1 ? DECODERS.get(codings[0]!) : undefined;
  if (!createDecoder) throw unsupported(contentEncoding);
  return createDecoder();
}

function unsupported(contentEncoding: string): UnsupportedMediaTypeException {
  const shown = contentEncoding.slice(0, 100);
  const message = `The content-encoding '${shown}' is not supported. Send the body in one of ${ACCEPTED}, or without.`;
  return Object.assign(new UnsupportedMediaTypeException({ message, param: 'content-encoding' }), {
    headers: { 'accept-encoding': ACCEPTED },
  });
}
