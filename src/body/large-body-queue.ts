import { AsyncResource } from 'node:async_hooks';

export const LARGE_BODY_BYTES = 64 * 1024;
/**
 * A small call takes half a dozen turns of the event loop, and each turn lets one connection in: both should meet one big
 * body on their way, not one each turn. Turns without work cost microseconds.
 */
const TURNS_BETWEEN = 10;

const waiting: (() => void)[] = [];
let isUnderWay = false;

/**
 * What is done with a body that is there: at once with a small one. Big ones are taken up one after the other, with turns
 * of the event loop for everybody else between them.
 */
export function runInTurn(bytes: number, act: () => void): void {
  if (bytes < LARGE_BODY_BYTES) return act();
  waiting.push(AsyncResource.bind(act));
  if (isUnderWay) return;
  isUnderWay = true;
  setImmediate(takeUpNext);
}

function takeUpNext(): void {
  const next = waiting.shift();
  isUnderWay = next !== undefined;
  try {
    next?.();
  } finally {
    if (isUnderWay) afterTurns(TURNS_BETWEEN, takeUpNext);
  }
}

function afterTurns(turns: number, act: () => void): void {
  setImmediate(turns > 1 ? () => afterTurns(turns - 1, act) : act);
}
