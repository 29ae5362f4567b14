import { AsyncResource } from 'node:async_hooks';

const BIG_BYTES = 64 * 1024;

const waiting: (() => void)[] = [];

/**
 * What is done with a body that is there: at once with a small one. Of big ones only one is taken up in each turn of the
 * event loop, so that everybody else waits for one of them and not for all.
 */
export function whenItsTurnComes(bytes: number, act: () => void): void {
  if (bytes < BIG_BYTES) return act();
  if (waiting.push(AsyncResource.bind(act)) === 1) setImmediate(takeUpNext);
}

function takeUpNext(): void {
  try {
    waiting[0]!();
  } finally {
    waiting.shift();
    if (waiting.length) setImmediate(takeUpNext);
  }
}
