/** Error in one row of LiteLLM's: the import skips the row and reports the message. */
export class SkippedRowError extends Error {}
