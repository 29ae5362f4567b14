// `--import`ed into the measured process. Measures the main thread's CPU time between two ticks of a timer of one millisecond. If
// that time is long, it is one turn of the event loop; other processes do not change it. On a signal it writes the longest turn
// since the last signal to the file that `TURNS_FILE` names. Nothing else uses that signal.
import { openSync, readSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const SIGNAL = 'SIGWINCH';

if (isMainThread && process.env.TURNS_FILE) {
  const file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  const bytes = Buffer.alloc(128);
  const cpuMs = () => Number(bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, 0)).split(' ')[0]) / 1e6; // prettier-ignore
  let [last, longest] = [cpuMs(), 0];
  setInterval(() => {
    const now = cpuMs();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1).unref();
  process.on(SIGNAL, () => {
    writeFileSync(process.env.TURNS_FILE, String(longest));
    longest = 0;
  });
}

/** Returns the longest turn of a process that imported this module since the last call, in milliseconds of CPU. */
export async function longestTurn(pid, read) {
  process.kill(pid, SIGNAL);
  await new Promise((done) => setTimeout(done, 500));
  return Number(read());
}
