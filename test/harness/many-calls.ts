/**
 * Runs `call` for 0 … `count - 1`, at most `atOnce` at the same time, and returns the results in order. More at the same time
 * would measure how long a busy database lets calls wait, not what they are answered.
 */
export async function manyCalls<T>(
  count: number,
  call: (index: number) => Promise<T>,
  atOnce = 50,
): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next++;
      results[index] = await call(index);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
