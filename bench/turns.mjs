// `--import`ed into the process that is measured: how much CPU its main thread took between two times it came to a timer
// that is due each millisecond. That is one turn of its event loop when the turn is long, whoever else has the machine.
// Writes the longest since it last did to the file `TURNS_FILE` names, when a signal says so (one that nobody else uses).
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

/** For a process that has this imported: its longest turn since the last time, in milliseconds of CPU. */
export async function longestTurn(pid, read) {
  process.kill(pid, SIGNAL);
  await new Promise((done) => setTimeout(done, 500));
  return Number(read());
}
