import { constants, createBrotliDecompress, createUnzip } from 'node:zlib';
import type { UpstreamHeaders, UpstreamSink } from './upstreams.js';

/** Decompresses a response that an upstream compressed although it was asked not to. */
export class ResponseDecoder {
  private readonly stream;

  constructor(encoding: string, sink: Pick<UpstreamSink, 'data' | 'end' | 'fail'>) {
    this.stream = encoding === 'br' ? createBrotliDecompress(BROTLI) : createUnzip(UNZIP);
    this.stream.on('data', (bytes: Buffer) => sink.data(bytes));
    this.stream.on('end', () => sink.end());
    this.stream.on('error', () =>
      sink.fail({
        neverSent: false,
        timedOut: false,
        reason: 'unreadable answer',
        message: 'The upstream compressed its answer in a way that cannot be read.',
      }),
    );
  }

  data(chunk: Buffer): void {
    if (!this.stream.destroyed) this.stream.write(chunk);
  }

  end(): void {
    this.stream.end();
  }

  /** Stops reading. */
  destroy(): void {
    this.stream.destroy();
  }
}

// Events must not wait for later bytes.
const UNZIP = { flush: constants.Z_SYNC_FLUSH };
const BROTLI = { flush: constants.BROTLI_OPERATION_FLUSH };

/** Returns how a response is compressed. Undefined if it is not. */
export function encodingOf({ 'content-encoding': encoding }: UpstreamHeaders): string | undefined {
  if (encoding === undefined) return undefined;
  const name = String(encoding).trim().toLowerCase();
  return name === '' || name === 'identity' ? undefined : name;
}
