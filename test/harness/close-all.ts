/** Closes all in order. Skips those that were never started, so that a failed start is the only error reported. */
export async function closeAll(
  ...all: readonly ({ close(): Promise<unknown> | void } | undefined)[]
): Promise<void> {
  for (const one of all) await one?.close();
}
