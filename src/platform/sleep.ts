/** Resolves after `ms` milliseconds. `unref`: the timer does not keep the process alive. */
export const sleep = (ms: number, { unref = false } = {}) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    if (unref) timer.unref();
  });
