// A lone surrogate is no character either: it has no UTF-8. The separators and the bidirectional overrides make a log
// line look like another one.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/** Tells whether a text may stand in a header, a log and a database. */
export const isPrintable = (text: string) => !UNPRINTABLE.test(text);
