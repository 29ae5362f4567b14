// A lone surrogate is no character either: it has no UTF-8.
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;

/** May it stand in a header, a log and a database? */
export const isPrintable = (text: string) => !UNPRINTABLE.test(text);
