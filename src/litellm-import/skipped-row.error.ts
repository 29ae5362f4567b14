/** Something is wrong with one row: it is left, and told why. */
export class SkippedRowError extends Error {}
