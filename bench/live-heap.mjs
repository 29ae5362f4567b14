// `--import`ed into the measured process. On a signal it collects garbage and writes the size of the live heap, in bytes. The
// size goes to the file that `LIVE_HEAP_FILE` names. Nothing else uses that signal.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

const SIGNAL = 'SIGWINCH';
const PATIENCE_MS = 60_000;

if (isMainThread && process.env.LIVE_HEAP_FILE) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  process.on(SIGNAL, () => {
    collect();
    writeFileSync(process.env.LIVE_HEAP_FILE, String(process.memoryUsage().heapUsed));
  });
}

/** Returns the live heap of a process that imported this module, in MB. */
export async function liveHeapMb(pid, file) {
  rmSync(file, { force: true });
  process.kill(pid, SIGNAL);
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until;) {
    await new Promise((done) => setTimeout(done, 200));
    const told = read(file);
    if (told) return Number(told) / 1024 / 1024;
  }
  throw new Error('The gateway does not tell of its heap.');
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
