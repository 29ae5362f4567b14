/** Characters that NFC turns into ASCII: the Greek question mark, the Greek varia, the Kelvin sign. */
const BECOME_ASCII = '\\u037e\\u1fef\\u212a';

const NORMALIZABLE = new RegExp(`[^${BECOME_ASCII}]+`, 'gu');

/**
 * An e-mail address as it is compared: in NFC, with the letters A to Z as a to z. No other character becomes an ASCII
 * one, neither by case nor by NFC: the Kelvin sign is no `k`.
 */
export const foldedAddress = (address: string): string =>
  address
    .replace(NORMALIZABLE, (part) => part.normalize('NFC'))
    .replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
