/** A failed `fetch` says why in its cause. Short, on one line: it may quote what was fetched. */
export function errorReason(error: unknown): string {
  const { message, cause } = error as Error;
  const reason = cause instanceof Error ? `${message}: ${cause.message}` : message;
  return reason.replaceAll(/\s+/g, ' ').slice(0, 200);
}
