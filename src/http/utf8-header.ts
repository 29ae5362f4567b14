const NOT_ASCII = /[\u0080-\u00ff]/;
const NOT_BYTES = /[^\u0000-\u00ff]/; // oxlint-disable-line no-control-regex
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Returns the text of a header. Node reads each byte as one character, but clients write UTF-8. */
export function utf8Header(value: string): string {
  if (!NOT_ASCII.test(value) || NOT_BYTES.test(value)) return value;
  try {
    return utf8.decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}

/** Returns a header as Node reads it from a client that writes this text. */
export const wireHeader = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
