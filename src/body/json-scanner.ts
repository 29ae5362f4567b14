import { isUtf8 } from 'node:buffer';

/** Position of a JSON value in a body. */
interface JsonValue {
  readonly valueStart: number;
  /** Index after the value's last byte. */
  readonly valueEnd: number;
}

/** Position of one top-level member of a JSON object. */
export interface JsonMember extends JsonValue {
  readonly keyStart: number;
}

/** A nested member with a watched name. */
export interface WatchedName {
  /** Name in lower case, because not every parser compares case. */
  readonly name: string;
  /** The top-level member that contains it. */
  readonly below: string;
  /** Its value, if that is a short string. Undefined for anything else. */
  readonly text: string | undefined;
  /** Index of the object that has this member. */
  readonly objectStart: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

export interface ScannedObject {
  readonly members: ReadonlyMap<string, JsonMember>;
  readonly watched: readonly WatchedName[];
}

/** The nested member names to report. */
export interface Watch {
  /** Names in lower case. They are found in any case and at any depth. */
  readonly names: ReadonlySet<string>;
  /** Top-level members in which other names are reported instead. */
  readonly below: ReadonlyMap<string, ReadonlySet<string>>;
  /** Names in the members of `below` whose values are data. Nothing in them is reported. */
  readonly free: ReadonlySet<string>;
  /** Top-level members whose objects must not have two names that differ only in case, except in values of `free`. */
  readonly unique?: ReadonlySet<string>;
}

/** Bounds of a JSON object that is parsed after the scan. */
export interface JsonBounds {
  /** Maximum names in one object. */
  readonly names: number;
  /** Maximum entries in one list. */
  readonly entries: number;
  /** Maximum names and entries in total. */
  readonly values: number;
  /** Top-level members whose lists only `values` bounds. */
  readonly free: ReadonlySet<string>;
}

const UNBOUNDED: JsonBounds = { names: Infinity, entries: Infinity, values: Infinity, free: new Set() };

/** Thrown if a body cannot be read. `param` names the member at fault. */
export class MalformedBodyError extends Error {
  constructor(
    message: string,
    readonly param: string | null = null,
  ) {
    super(message);
  }
}

/** Thrown if an object exceeds its bounds. */
export class JsonBoundError extends MalformedBodyError {}

const MAX_DEPTH = 128;
/** Maximum top-level members. No route accepts as many. */
const MAX_MEMBERS = 1_000;
/** Maximum nested names, lists and objects. Each costs more to read than a byte of a string. */
const MAX_NESTED = 100_000;
/** Maximum names of an object whose names are compared with each other. No tool has as many. */
const MAX_UNIQUE = 256;
const MAX_SHOWN_CHARS = 64;

/**
 * Scans one JSON object strictly (RFC 8259, UTF-8) without building it. Returns the positions of its top-level members, so
 * that the bytes can be forwarded and edited in place. Throws `MalformedBodyError` for anything else, for duplicate
 * top-level names (also if one is escaped), and for too many names or levels. Throws `JsonBoundError` if the object exceeds
 * `bounds`.
 */
export function scanJsonObject(bytes: Buffer, watch: Watch, bounds = UNBOUNDED): ScannedObject {
  if (!isUtf8(bytes)) throw new MalformedBodyError('The request body is not valid UTF-8.');
  return new Scanner(bytes, watch, bounds).object();
}

/** Counts the names of an object and of the objects in it. Counts duplicate names each time. */
export function namesIn(bytes: Buffer): number {
  const scanner = new Scanner(bytes, NOTHING_WATCHED);
  scanner.object();
  return scanner.names;
}

/** Returns the parsed value of one member. */
export function memberValue(bytes: Buffer, member: JsonMember): unknown {
  return JSON.parse(bytes.toString('utf8', member.valueStart, member.valueEnd));
}

/** Returns the positions of the objects in a member that is a list. Returns none for any other member. */
export function objectsIn(bytes: Buffer, { valueStart, valueEnd }: JsonMember): readonly JsonValue[] {
  return new Scanner(bytes.subarray(valueStart, valueEnd), NOTHING_WATCHED)
    .elements()
    .filter((element) => bytes[valueStart + element.valueStart] === OPEN_OBJECT)
    .map((element) => ({
      valueStart: valueStart + element.valueStart,
      valueEnd: valueStart + element.valueEnd,
    }));
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const SMALL_U = 0x75;
/** Characters that may follow a backslash, besides `u`. */
const ESCAPED: ReadonlySet<number | undefined> = new Set(Buffer.from('"\\/bfnrt'));
const LONGEST_NUMBER = 400;
const LONGEST_WATCHED_TEXT = 64;

class Scanner {
  /** Number of names read so far, at any depth. */
  names = 0;
  private at = 0;
  private nested = 0;
  private isUnique = false;
  private values = 0;
  private below = '';
  private watchedNames: Sieve;
  private freeNames = NOTHING;
  private readonly everywhere: Sieve;
  private readonly watched: WatchedName[] = [];

  constructor(
    private readonly bytes: Buffer,
    private readonly watch: Watch,
    private readonly bounds: JsonBounds = UNBOUNDED,
  ) {
    this.everywhere = sieveOf(watch.names);
    this.watchedNames = this.everywhere;
  }

  object(): ScannedObject {
    const members = new Map<string, JsonMember>();
    this.space();
    if (this.bytes[this.at] !== OPEN_OBJECT)
      throw new MalformedBodyError('The request body must be a JSON object.');
    this.at++;
    this.space();
    if (this.bytes[this.at] === CLOSE_OBJECT) this.at++;
    else
      for (;;) {
        const keyStart = this.at;
        const name = this.name();
        if (members.has(name)) throw duplicateMember(name.slice(0, MAX_SHOWN_CHARS));
        if (members.size === MAX_MEMBERS) throw tooMany();
        this.names++;
        this.below = name;
        this.isUnique = this.watch.unique?.has(name) === true;
        const own = this.watch.below.get(name);
        this.watchedNames = own ? sieveOf(own) : this.everywhere;
        this.freeNames = own ? sieveOf(this.watch.free) : NOTHING;
        const valueStart = this.at;
        this.value(1);
        members.set(name, { keyStart, valueStart, valueEnd: this.at });
        if (!this.moveToNextMember()) break;
      }
    this.space();
    if (this.at !== this.bytes.length) throw this.broken();
    return { members, watched: this.watched };
  }

  /** Returns the positions of a list's elements. The list must have been scanned before. Returns none for any other value. */
  elements(): readonly JsonValue[] {
    const elements: JsonValue[] = [];
    if (this.bytes[this.at] !== OPEN_ARRAY) return elements;
    this.at++;
    this.space();
    while (this.bytes[this.at] !== CLOSE_ARRAY) {
      const valueStart = this.at;
      this.value(1);
      elements.push({ valueStart, valueEnd: this.at });
      this.space();
      if (this.bytes[this.at] === COMMA) this.at++;
      this.space();
    }
    return elements;
  }

  private value(depth: number): void {
    switch (this.bytes[this.at]) {
      case QUOTE:
        return void this.string();
      case OPEN_OBJECT:
        return this.nestedObject(depth + 1);
      case OPEN_ARRAY:
        return this.array(depth + 1);
      case 0x74:
        return this.word('true');
      case 0x66:
        return this.word('false');
      case 0x6e:
        return this.word('null');
      default:
        return this.number();
    }
  }

  private nestedObject(depth: number): void {
    const objectStart = this.at;
    this.enter(depth);
    if (this.bytes[this.at] === CLOSE_OBJECT) return void this.at++;
    let names = 0;
    let seen: string[] | undefined;
    do {
      if (++names > this.bounds.names)
        throw this.boundError(`an object with more than ${this.bounds.names} names`);
      this.countValue();
      if (++this.nested > MAX_NESTED) throw tooMany();
      this.names++;
      const { watchedNames: watched, isUnique } = this;
      const name = isUnique ? this.name() : this.watchedName();
      if (isUnique) this.refuseDuplicate((seen ??= []), name!);
      const start = this.at;
      if (name !== undefined && this.freeNames.names.has(name)) {
        this.watchedNames = NOTHING;
        this.isUnique = false;
      }
      this.value(depth);
      this.watchedNames = watched;
      this.isUnique = isUnique;
      if (name === undefined) continue;
      if (watched.names.has(name)) this.report(name, objectStart, start);
      else if (watched.names.has(folded(name))) this.report(folded(name), objectStart, start);
    } while (this.moveToNextMember());
  }

  /** Throws if `seen`, the folded names of the same object so far, has this name. */
  private refuseDuplicate(seen: string[], name: string): void {
    const plain = folded(name);
    if (seen.length > MAX_UNIQUE) throw tooMany();
    if (seen.includes(plain)) {
      const shownName = name.slice(0, MAX_SHOWN_CHARS);
      throw new MalformedBodyError(
        `The '${shownName}' is given twice in an object of the ${this.below}.`,
        this.below,
      );
    }
    seen.push(plain);
  }

  private report(name: string, objectStart: number, valueStart: number): void {
    const isText = this.bytes[valueStart] === QUOTE && this.at - valueStart <= LONGEST_WATCHED_TEXT;
    const text = isText ? this.bytes.toString('utf8', valueStart + 1, this.at - 1) : undefined;
    this.watched.push({
      name,
      below: this.below,
      text: text?.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text,
      objectStart,
      valueStart,
      valueEnd: this.at,
    });
  }

  private array(depth: number): void {
    this.enter(depth);
    if (this.bytes[this.at] === CLOSE_ARRAY) return void this.at++;
    const { entries: maxEntries, free } = this.bounds;
    for (let entries = 1; ; entries++) {
      if (entries > maxEntries && !free.has(this.below))
        throw this.boundError(`a list of more than ${maxEntries} entries`);
      this.countValue();
      this.value(depth);
      this.space();
      const next = this.bytes[this.at++];
      if (next === CLOSE_ARRAY) return;
      if (next !== COMMA) throw this.broken();
      this.space();
    }
  }

  private countValue(): void {
    const { values } = this.bounds;
    if (++this.values > values) throw this.boundError(`more than ${values} names and entries`);
  }

  private boundError(what: string): JsonBoundError {
    return new JsonBoundError(`has ${what}`, this.below.slice(0, MAX_SHOWN_CHARS));
  }

  private enter(depth: number): void {
    if (depth > MAX_DEPTH) throw new MalformedBodyError('The request body is nested too deeply.');
    if (++this.nested > MAX_NESTED) throw tooMany();
    this.at++;
    this.space();
  }

  /** Moves to the next name after a value in an object. Returns false after the closing brace. */
  private moveToNextMember(): boolean {
    this.space();
    const next = this.bytes[this.at++];
    if (next === CLOSE_OBJECT) return false;
    if (next !== COMMA) throw this.broken();
    this.space();
    return true;
  }

  /** Reads a name and its colon. Returns the decoded name. */
  private name(): string {
    const start = this.at;
    const escaped = this.string();
    const name = escaped
      ? (JSON.parse(this.bytes.toString('utf8', start, this.at)) as string)
      : this.bytes.toString('utf8', start + 1, this.at - 1);
    this.colon();
    return name;
  }

  /** Reads a nested name and its colon. Returns the decoded name only if it may be watched or free. */
  private watchedName(): string | undefined {
    const start = this.at;
    const escaped = this.string();
    const end = this.at;
    this.colon();
    if (escaped) return JSON.parse(this.bytes.toString('utf8', start, end)) as string;
    const [first, length] = [this.bytes[start + 1]!, end - start - 2];
    return mayContain(this.watchedNames, first, length) || mayContain(this.freeNames, first, length)
      ? this.bytes.toString('utf8', start + 1, end - 1)
      : undefined;
  }

  private colon(): void {
    this.space();
    if (this.bytes[this.at++] !== COLON) throw this.broken();
    this.space();
  }

  /** Moves past a string. Returns whether it contains an escape. */
  private string(): boolean {
    const { bytes } = this;
    if (bytes[this.at] !== QUOTE) throw this.broken();
    let escaped = false;
    for (let i = this.at + 1; ; i++) {
      i = endOfPlain(bytes, i);
      if (bytes[i] === QUOTE) {
        this.at = i + 1;
        return escaped;
      }
      if (bytes[i] !== BACKSLASH) throw this.broken();
      escaped = true;
      i = this.escape(i + 1);
    }
  }

  /** Checks the escape whose letter is at `i`. Returns the index of its last byte. */
  private escape(i: number): number {
    const { bytes } = this;
    const letter = bytes[i];
    if (letter === SMALL_U) {
      for (let hex = i + 1; hex <= i + 4; hex++) if (!isHexDigit(bytes[hex])) throw this.broken();
      return i + 4;
    }
    if (!ESCAPED.has(letter)) throw this.broken();
    return i;
  }

  private word(word: string): void {
    if (this.bytes.toString('latin1', this.at, this.at + word.length) !== word) throw this.broken();
    this.at += word.length;
  }

  private number(): void {
    const { bytes } = this;
    let i = this.at;
    if (bytes[i] === MINUS) i++;
    i = bytes[i] === ZERO ? i + 1 : this.digits(i);
    if (bytes[i] === POINT) i = this.digits(i + 1);
    // The byte is `e` or `E`.
    if ((bytes[i]! | 0x20) === 0x65)
      i = this.digits(bytes[i + 1] === PLUS || bytes[i + 1] === MINUS ? i + 2 : i + 1);
    if (i - this.at >= LONGEST_NUMBER) throw this.broken();
    this.at = i;
  }

  /** Returns the index after the digits at `i`. Throws if there is no digit. */
  private digits(i: number): number {
    const start = i;
    while (this.bytes[i]! >= ZERO && this.bytes[i]! <= NINE) i++;
    if (i === start) throw this.broken();
    return i;
  }

  private space(): void {
    const { bytes } = this;
    for (;;) {
      const byte = bytes[this.at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.at++;
    }
  }

  private broken(): MalformedBodyError {
    return new MalformedBodyError(
      `The request body is not valid JSON (near byte ${Math.min(this.at, this.bytes.length)}).`,
    );
  }
}

const isHexDigit = (byte = 0) =>
  (byte >= ZERO && byte <= NINE) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);

/** Number of bytes to check one by one, before checking four at a time is faster. */
const SINGLE_BYTES = 64;

/** Returns the index of the next quote, backslash or control character from `i` on, or the length of `bytes`. */
function endOfPlain(bytes: Buffer, i: number): number {
  for (;;) {
    const near = Math.min(i + SINGLE_BYTES, bytes.length);
    for (; i < near; i++) {
      const byte = bytes[i]!;
      if (byte === QUOTE || byte === BACKSLASH || byte < 0x20) return i;
    }
    if (i === bytes.length) return i;
    i = plainWords(bytes, i);
  }
}

/**
 * Skips plain bytes four at a time. Returns the start of the first word with such a byte, or of the rest after the last
 * word. Each subtraction borrows from a byte's highest bit if the byte is below 0x20, or equals a quote or a backslash.
 */
function plainWords(bytes: Buffer, from: number): number {
  const { buffer, byteOffset, length } = bytes;
  // The bytes of the first word before `from` are plain.
  const start = (byteOffset + from) & ~3;
  const words = new Int32Array(buffer, start, (byteOffset + length - start) >> 2);
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at]!;
    const quoted = word ^ 0x22222222;
    const escaped = word ^ 0x5c5c5c5c;
    const control = (word - 0x20202020) & ~word;
    if ((control | ((quoted - 0x01010101) & ~quoted) | ((escaped - 0x01010101) & ~escaped)) & 0x80808080)
      break;
  }
  return Math.max(from, start + 4 * at - byteOffset);
}

const tooMany = () => new MalformedBodyError('The request body has too many members or lists.');
const duplicateMember = (name: string) =>
  new MalformedBodyError(`The member '${name}' is given twice in the request body.`, name);

/** Folds the case of a name as the loosest parser compares it. The long s and the Kelvin sign are letters, too. */
function folded(name: string): string {
  const lower = name.toLowerCase();
  return lower.includes('ſ') ? lower.replaceAll('ſ', 's') : lower;
}

/** Names with a fast filter. */
interface Sieve {
  readonly names: ReadonlySet<string>;
  /** Possible lengths in bytes for each first byte of a name in any spelling, one bit per length. */
  readonly lengths: Uint32Array;
}

const LONGEST = 31;
const sieves = new WeakMap<ReadonlySet<string>, Sieve>();

function sieveOf(names: ReadonlySet<string>): Sieve {
  const known = sieves.get(names);
  if (known) return known;
  const lengths = new Uint32Array(256);
  for (const name of names)
    for (const bytes of lengthsOf(name))
      for (const first of firstBytesOf(name)) lengths[first]! |= 1 << Math.min(bytes, LONGEST);
  const sieve = { names, lengths };
  sieves.set(names, sieve);
  return sieve;
}

/** Returns the possible lengths of a name in UTF-8. The long s has one byte more than an `s`, the Kelvin sign two more than a `k`. */
function lengthsOf(name: string): readonly number[] {
  const [longS, kelvin] = ['s', 'k'].map((letter) => name.split(letter).length - 1) as [number, number];
  const more = Array.from({ length: longS + 1 }, (_, s) =>
    Array.from({ length: kelvin + 1 }, (__, k) => s + 2 * k),
  );
  return more.flat().map((bytes) => name.length + bytes);
}

const firstBytesOf = (name: string): readonly number[] =>
  [name[0]!, name[0]!.toUpperCase(), ...(SPECIAL[name[0]!] ?? [])].map((first) => Buffer.from(first)[0]!);

const SPECIAL: Readonly<Record<string, readonly string[]>> = { s: ['ſ'], k: ['\u212a'] };

const NOTHING = sieveOf(new Set());
const NOTHING_WATCHED: Watch = { names: new Set(), below: new Map(), free: new Set() };

/** Returns whether any of these names starts with this byte and has this length. */
const mayContain = ({ lengths }: Sieve, firstByte: number, length: number): boolean =>
  ((lengths[firstByte]! >>> Math.min(length, LONGEST)) & 1) === 1;

/** Edits by member name: the new JSON text, or null to remove the member. */
type MemberEdits = ReadonlyMap<string, string | null>;

/**
 * Returns the object with some members changed, removed or added. All other values keep their original bytes.
 */
export function editedObject(bytes: Buffer, { members }: ScannedObject, edits: MemberEdits): Buffer {
  const parts: Buffer[] = [];
  for (const [name, { keyStart, valueStart, valueEnd }] of members) {
    const edit = edits.get(name);
    if (edit === null) continue;
    if (parts.length) parts.push(COMMA_BYTES);
    parts.push(bytes.subarray(keyStart, edit === undefined ? valueEnd : valueStart));
    if (edit !== undefined) parts.push(Buffer.from(edit));
  }
  for (const [name, edit] of edits) {
    if (edit === null || members.has(name)) continue;
    if (parts.length) parts.push(COMMA_BYTES);
    parts.push(Buffer.from(`${JSON.stringify(name)}:${edit}`));
  }
  return Buffer.concat([Buffer.from('{'), ...parts, Buffer.from('}')]);
}

const COMMA_BYTES = Buffer.from(',');
