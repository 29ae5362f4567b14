/** The number of entries of a list that a message names. */
export const MAX_LISTED = 20;

/** Returns the first entries of a list for a message, and how many more there are. */
export const someOf = (entries: readonly string[]): string =>
  entries.length <= MAX_LISTED
    ? entries.join(', ')
    : `${entries.slice(0, MAX_LISTED).join(', ')} and ${entries.length - MAX_LISTED} more`;
