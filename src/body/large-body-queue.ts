import { AsyncResource } from 'node:async_hooks';

export const LARGE_BODY_BYTES = 64 * 1024;
/**
 * Turns of the event loop between two large bodies. A small call takes about six turns, and each turn accepts one connection.
 * So both wait for one large body, not for one in each turn. Turns without work cost microseconds.
 */
const TURNS_BETWEEN = 10;

const queue: (() => void)[] = [];
let isRunning = false;

/**
 * Runs the task for a complete body. Runs it at once for a small body. Large bodies run one after the other, with turns of
 * the event loop between them for other requests.
 */
export function runInTurn(bytes: number, task: () => void): void {
  if (bytes < LARGE_BODY_BYTES) return task();
  queue.push(AsyncResource.bind(task));
  if (isRunning) return;
  isRunning = true;
  setImmediate(runNext);
}

function runNext(): void {
  const next = queue.shift();
  isRunning = next !== undefined;
  try {
    next?.();
  } finally {
    if (isRunning) afterTurns(TURNS_BETWEEN, runNext);
  }
}

function afterTurns(turns: number, task: () => void): void {
  setImmediate(turns > 1 ? () => afterTurns(turns - 1, task) : task);
}
