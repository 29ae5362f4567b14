import { parentPort } from 'node:worker_threads';
import { otherBytes, promptTokens } from './prompt-tokens.js';

/** Counts off the event loop. Gets a body's bytes, answers with its tokens. */
parentPort!.on('message', ({ id, bytes }: { id: number; bytes: Uint8Array }) => {
  const body = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>;
  parentPort!.postMessage({ id, counted: { tokens: promptTokens(body), otherBytes: otherBytes(bytes) } });
});
