/** Characters that NFC turns into ASCII: the Greek question mark, the Greek varia, the Kelvin sign. */
const BECOME_ASCII = '\\u037e\\u1fef\\u212a';

const NORMALIZABLE = new RegExp(`[^${BECOME_ASCII}]+`, 'gu');

/** The longest address. Normalizing a much longer text may take seconds. */
const MAX_ADDRESS_CHARS = 1_024;

/**
 * Returns an e-mail address in the form in which addresses are compared: NFC, with A to Z as a to z. No other character
 * becomes ASCII, neither by case nor by NFC: the Kelvin sign is no `k`. A text too long for an address is not normalized.
 */
export const foldedAddress = (address: string): string =>
  composed(address).replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

const composed = (address: string): string =>
  address.length > MAX_ADDRESS_CHARS
    ? address
    : address.replace(NORMALIZABLE, (part) => part.normalize('NFC'));
