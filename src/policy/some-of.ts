/** The number of entries of a list that a message names. */
export const MAX_TOLD = 20;

/** Returns the first entries of a list for a message, and how many more there are. */
export const someOf = (entries: readonly string[]): string =>
  entries.length <= MAX_TOLD
    ? entries.join(', ')
    : `${entries.slice(0, MAX_TOLD).join(', ')} and ${entries.length - MAX_TOLD} more`;
