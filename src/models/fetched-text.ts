/** The most bytes of a table of prices. */
export const MAX_TABLE_BYTES = 32 * 1024 * 1024;

/** Fetches a text. Throws if the server answers an error, or with more than `MAX_TABLE_BYTES`. */
export async function fetchedText(url: string, signal: AbortSignal): Promise<string> {
  const { ok, status, body } = await fetch(url, { signal });
  if (!ok || !body) throw new Error(`it answered ${status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_TABLE_BYTES) throw new Error(`it is larger than ${MAX_TABLE_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
