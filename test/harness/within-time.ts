/**
 * Runs `attempt` with an instant that lies `leadMs` ahead. If the machine was too slow to prepare before that instant, `attempt`
 * returns false and runs again with twice the time.
 */
export async function withinTime(leadMs: number, attempt: (end: Date) => Promise<boolean>): Promise<void> {
  for (let lead = leadMs; lead < 60_000; lead *= 2) if (await attempt(new Date(Date.now() + lead))) return;
  throw new Error('The machine was too slow at every attempt.');
}
