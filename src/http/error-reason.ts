/**
 * Returns the reason of an error with its cause, because a failed `fetch` has the reason there. The text is one short line,
 * because it may quote the fetched content.
 */
export function errorReason(error: unknown): string {
  const { message, cause } = error as Error;
  const reason = cause instanceof Error ? `${message}: ${cause.message}` : message;
  return reason.replaceAll(/\s+/g, ' ').slice(0, 200);
}
