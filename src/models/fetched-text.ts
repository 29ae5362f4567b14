/** The most bytes of a table of prices. */
export const MAX_TABLE_BYTES = 32 * 1024 * 1024;

const TIMEOUT_MS = 60_000;

/**
 * Fetches a text. Throws if the server answers an error or with more than `MAX_TABLE_BYTES`, if it takes longer than `timeoutMs`,
 * or once `ending` is aborted.
 */
export async function fetchedText(url: string, ending: AbortSignal, timeoutMs = TIMEOUT_MS): Promise<string> {
  // `AbortSignal.any` with a `timeout` is not used, because Node 20 may collect the timeout before it fires.
  const controller = new AbortController();
  const abort = () => controller.abort(new Error(`timeout after ${timeoutMs} ms`));
  const timer = setTimeout(abort, timeoutMs);
  ending.addEventListener('abort', abort);
  try {
    return await textAt(url, controller.signal);
  } finally {
    clearTimeout(timer);
    ending.removeEventListener('abort', abort);
  }
}

async function textAt(url: string, signal: AbortSignal): Promise<string> {
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
