// A lone surrogate is no character either: it has no UTF-8. The separators and the bidirectional overrides make a log
// line look like another one.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/** Tells whether a text may stand in a header, a log and a database. */
export const isPrintable = (text: string) => !UNPRINTABLE.test(text);

/** Returns a text in which characters that would change a terminal or a log are escaped. */
export const escapeUnprintable = (text: string): string =>
  isPrintable(text)
    ? text
    : Array.from(text, (one) => (isPrintable(one) ? one : `\\u{${one.codePointAt(0)!.toString(16)}}`)).join(
        '',
      );
