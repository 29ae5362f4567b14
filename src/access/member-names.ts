import { MalformedBodyError } from '../body/json-scanner.js';
import { NON_PROMPT_MEMBERS } from '../tokenizer/non-prompt-members.js';
import { READ_MEMBERS } from '../call-types/read-members.js';

/** Pattern of names that folding does not change. */
const PLAIN = /^[a-z0-9_]{0,128}$/;
const ASCII = /^[\0-\x7f]*$/;

/** The longest name of a member. No API has a longer one, and normalizing a long name may take seconds. */
const MAX_NAME_BYTES = 128;

/**
 * Folds a name as the loosest upstream compares it: ignores case and compatibility forms (NFKC, also `ſ` and the Kelvin
 * sign). Throws a `MalformedBodyError` if the name is too long.
 */
export function foldedName(name: string): string {
  if (isPlain(name)) return name;
  if (name.length > MAX_NAME_BYTES || Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw new MalformedBodyError(
      `The name '${excerpt(name)}…' is too long: names have at most ${MAX_NAME_BYTES} bytes.`,
      excerpt(name),
    );
  return (ASCII.test(name) ? name : name.normalize('NFKC')).toLowerCase();
}

/** Names that nearly every body has. None of them is refused. */
const USUAL: ReadonlySet<string> = new Set<string>([
  ...READ_MEMBERS.filter((name) => PLAIN.test(name)),
  ...NON_PROMPT_MEMBERS,
  'tool_choice',
  'stop',
]);

export const isUsual = (name: string): boolean => USUAL.has(name);

const isPlain = (name: string) => USUAL.has(name) || PLAIN.test(name);

const MAX_EXCERPT_CHARS = 64;
const excerpt = (name: string) => name.slice(0, MAX_EXCERPT_CHARS);

/** Spelling of each read member, by its folded name. */
const SPELLING: ReadonlyMap<string, string> = new Map(READ_MEMBERS.map((name) => [foldedName(name), name]));

/**
 * Throws a `MalformedBodyError` if an upstream may confuse a name with a member that this gateway reads, or with another
 * name of the body. The `names` must be distinct.
 */
export function refuseLookalikes(names: readonly string[]): void {
  // Plain names, as in nearly every body, never fold to the same name.
  if (names.every(isPlain)) return;
  const seen = new Map<string, string>();
  for (const name of names) {
    const folded = foldedName(name);
    const read = SPELLING.get(folded);
    if (read !== undefined && read !== name)
      throw new MalformedBodyError(
        `The member '${excerpt(name)}' must be spelled '${read}' or left out.`,
        excerpt(name),
      );
    const twin = seen.get(folded);
    if (twin !== undefined)
      throw new MalformedBodyError(
        `The member '${excerpt(name)}' is given twice in the request body: '${excerpt(twin)}' differs only in its spelling.`,
        excerpt(name),
      );
    seen.set(folded, name);
  }
}

/** Tells whether the folded name is a member that the gateway reads. */
export const isRead = (name: string): boolean => SPELLING.has(foldedName(name));
