/** Closes one after the other. What was never started is passed over, so that a start that failed is all that is told. */
export async function closeAll(
  ...all: readonly ({ close(): Promise<unknown> | void } | undefined)[]
): Promise<void> {
  for (const one of all) await one?.close();
}
