import { isUtf8 } from 'node:buffer';

/** Where a JSON value lies in its bytes. */
interface JsonValue {
  readonly valueStart: number;
  /** One past the value's last byte. */
  readonly valueEnd: number;
}

/** Where one top-level member of a JSON object lies in its bytes. */
export interface JsonMember extends JsonValue {
  readonly keyStart: number;
}

/** A nested member name that was watched for, and below which top-level member it was met. */
export interface WatchedName {
  /** In lower case, however it is spelled: not every reader compares case. */
  readonly name: string;
  readonly below: string;
  /** Its value, where that is a text; undefined for anything else. */
  readonly text: string | undefined;
  /** Where the object begins that it is a member of, and where its value begins and ends. */
  readonly objectStart: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

export interface ScannedObject {
  readonly members: ReadonlyMap<string, JsonMember>;
  readonly watched: readonly WatchedName[];
}

/** Names, in lower case, to report wherever they are nested; in any case. */
export interface Watch {
  readonly names: ReadonlySet<string>;
  /** Top-level members with content of their own: inside them these names are reported instead … */
  readonly below: ReadonlyMap<string, ReadonlySet<string>>;
  /** … and nothing below these, where a name is data. */
  readonly free: ReadonlySet<string>;
  /** Top-level members in whose objects no two names may be alike, whatever their case; but for what is free. */
  readonly unique?: ReadonlySet<string>;
}

/** How much one object may hold where what it holds is built afterwards. */
export interface JsonBounds {
  /** Names in one object. */
  readonly names: number;
  /** Entries in one list. */
  readonly entries: number;
  /** Names and entries in all. */
  readonly values: number;
  /** Top-level members whose lists may be longer: bounded by `values` alone. */
  readonly free: ReadonlySet<string>;
}

const UNBOUNDED: JsonBounds = { names: Infinity, entries: Infinity, values: Infinity, free: new Set() };

/** Why bytes are not one plain JSON object. `param` names the member at fault. */
export class MalformedBodyError extends Error {
  constructor(
    message: string,
    readonly param: string | null = null,
  ) {
    super(message);
  }
}

/** The object holds more than its bounds allow. */
export class JsonBoundError extends MalformedBodyError {}

const MAX_DEPTH = 128;
/** Far more than any route takes. */
const MAX_MEMBERS = 1_000;
/** Names, lists and objects inside: each costs more to read than a byte of a text. */
const MAX_NESTED = 100_000;
/** Names in one object where each is compared with the others: far more than a tool has. */
const MAX_UNIQUE = 256;
const MAX_TOLD_CHARS = 64;

/**
 * Reads one JSON object strictly (RFC 8259, UTF-8) without building it: where its top-level members lie, so that
 * bytes can be forwarded as they are and edited in place. Throws `MalformedBodyError` on anything else, on a top-level
 * name that is given twice (also in an escaped spelling), and on nesting or numbers of names beyond bounds.
 * Throws `JsonBoundError` where the caller set `bounds` of its own and the object holds more.
 */
export function scanJsonObject(bytes: Buffer, watch: Watch, bounds = UNBOUNDED): ScannedObject {
  if (!isUtf8(bytes)) throw new MalformedBodyError('The request body is not valid UTF-8.');
  return new Scanner(bytes, watch, bounds).object();
}

/** How many names an object has, with those of the objects in it: of names that are given twice, each. */
export function namesIn(bytes: Buffer): number {
  const scanner = new Scanner(bytes, NOTHING_WATCHED);
  scanner.object();
  return scanner.names;
}

/** The parsed value of one member. */
export function memberValue(bytes: Buffer, member: JsonMember): unknown {
  return JSON.parse(bytes.toString('utf8', member.valueStart, member.valueEnd));
}

/** Where the objects of a member lie that is a list; none where it is anything else. */
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
/** What may stand behind a backslash beside `u`. */
const ESCAPED: ReadonlySet<number | undefined> = new Set(Buffer.from('"\\/bfnrt'));
const LONGEST_NUMBER = 400;
const LONGEST_WATCHED_TEXT = 64;

class Scanner {
  /** Names read so far, at any depth. */
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
        if (members.has(name)) throw twice(name.slice(0, MAX_TOLD_CHARS));
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
        if (!this.anotherMember()) break;
      }
    this.space();
    if (this.at !== this.bytes.length) throw this.broken();
    return { members, watched: this.watched };
  }

  /** Where the elements of a list lie that has been read before; none of anything else. */
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
        throw this.beyond(`an object with more than ${this.bounds.names} names`);
      this.countValue();
      if (++this.nested > MAX_NESTED) throw tooMany();
      this.names++;
      const { watchedNames: watched, isUnique } = this;
      const name = isUnique ? this.name() : this.watchedName();
      if (isUnique) this.refuseTwin((seen ??= []), name!);
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
    } while (this.anotherMember());
  }

  /** `seen`: the names of the same object so far, folded. */
  private refuseTwin(seen: string[], name: string): void {
    const plain = folded(name);
    if (seen.length > MAX_UNIQUE) throw tooMany();
    if (seen.includes(plain)) {
      const told = name.slice(0, MAX_TOLD_CHARS);
      throw new MalformedBodyError(
        `The '${told}' is given twice in an object of the ${this.below}.`,
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
    const { entries: most, free } = this.bounds;
    for (let entries = 1; ; entries++) {
      if (entries > most && !free.has(this.below)) throw this.beyond(`a list of more than ${most} entries`);
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
    if (++this.values > values) throw this.beyond(`more than ${values} names and entries`);
  }

  private beyond(what: string): JsonBoundError {
    return new JsonBoundError(`has ${what}`, this.below.slice(0, MAX_TOLD_CHARS));
  }

  private enter(depth: number): void {
    if (depth > MAX_DEPTH) throw new MalformedBodyError('The request body is nested too deeply.');
    if (++this.nested > MAX_NESTED) throw tooMany();
    this.at++;
    this.space();
  }

  /** After a value inside an object: on to the next name, or past the closing brace. */
  private anotherMember(): boolean {
    this.space();
    const next = this.bytes[this.at++];
    if (next === CLOSE_OBJECT) return false;
    if (next !== COMMA) throw this.broken();
    this.space();
    return true;
  }

  /** A name and its colon; decoded. */
  private name(): string {
    const start = this.at;
    const escaped = this.string();
    const name = escaped
      ? (JSON.parse(this.bytes.toString('utf8', start, this.at)) as string)
      : this.bytes.toString('utf8', start + 1, this.at - 1);
    this.colon();
    return name;
  }

  /** A nested name and its colon; decoded only when it could be one of the watched. */
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

  /** Moves past a string; true when it contains an escape. */
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

  /** Checks the escape whose letter is at `i`; the position of its last byte. */
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
    // `e` or `E`
    if ((bytes[i]! | 0x20) === 0x65)
      i = this.digits(bytes[i + 1] === PLUS || bytes[i + 1] === MINUS ? i + 2 : i + 1);
    if (i - this.at >= LONGEST_NUMBER) throw this.broken();
    this.at = i;
  }

  /** One past the digits that begin at `i`, of which there must be one. */
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

/** So many bytes are looked at one by one before it is worth looking at four at a time. */
const NEAR = 64;

/** The first position from `i` on where a string ends, escapes, or has a control character; or one past the last byte. */
function endOfPlain(bytes: Buffer, i: number): number {
  for (;;) {
    const near = Math.min(i + NEAR, bytes.length);
    for (; i < near; i++) {
      const byte = bytes[i]!;
      if (byte === QUOTE || byte === BACKSLASH || byte < 0x20) return i;
    }
    if (i === bytes.length) return i;
    i = plainWords(bytes, i);
  }
}

/**
 * The same, four bytes at a time: the start of the first word with such a byte in it, or of what is left behind the last
 * word. Each subtraction borrows from a byte's highest bit where the byte is below 0x20, or equal to one of the two.
 */
function plainWords(bytes: Buffer, from: number): number {
  const { buffer, byteOffset, length } = bytes;
  // The bytes before `from` in its word are known to be plain.
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
const twice = (name: string) =>
  new MalformedBodyError(`The member '${name}' is given twice in the request body.`, name);

/** A name without case, as the loosest reader compares it: the long s and the Kelvin sign are letters, too. */
function folded(name: string): string {
  const lower = name.toLowerCase();
  return lower.includes('ſ') ? lower.replaceAll('ſ', 's') : lower;
}

/** Names, and by the first byte of each, however it is spelled, how many bytes it has: one bit per length. */
interface Sieve {
  readonly names: ReadonlySet<string>;
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

/** In UTF-8 the long s has one byte more than an `s`, the Kelvin sign two more than a `k`. */
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

/** Does any of these names start with this byte and have this length? */
const mayContain = ({ lengths }: Sieve, firstByte: number, length: number): boolean =>
  ((lengths[firstByte]! >>> Math.min(length, LONGEST)) & 1) === 1;

/** What becomes of a member: its new JSON text, or null to leave it out. */
type MemberEdits = ReadonlyMap<string, string | null>;

/**
 * The same object with some members changed, left out or (where the name is new) added; every other value keeps
 * its original bytes.
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
