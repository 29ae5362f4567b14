import { MalformedBodyError, memberValue, type ScannedObject } from '../body/json-scanner.js';
import { NON_PROMPT_MEMBERS } from '../tokenizer/non-prompt-members.js';
import { CONTENT, type Media, mediaIn } from './media.js';
import type { ReadMember } from './read-members.js';

/** Names and types of parts that are audio. */
const AUDIO: ReadonlySet<string | undefined> = new Set(['input_audio', 'audio', 'audio_url', 'audio_embeds']);

const OPEN_LIST = 0x5b;
/** Spellings of the name `id`, plain or with an escape. */
const ID_SPELLINGS = ['"id"', '\\u0069', '\\u0064'];

const MAX_PROMPTS = 10_000;

/** The body of a call, read member by member. Throws a `MalformedBodyError` that names a member with a wrong value. */
export class CallBody {
  constructor(
    readonly bytes: Buffer,
    readonly scanned: ScannedObject,
  ) {}

  /** Names of all members, as the client spelled them. */
  get names(): readonly string[] {
    return [...this.scanned.members.keys()];
  }

  has(name: ReadMember): boolean {
    return this.scanned.members.has(name);
  }

  /** Returns a member's value. Undefined if the body has no such member. */
  value(name: ReadMember): unknown {
    return this.member(name);
  }

  /** Returns the value of a member that a setting names. Use `value` for members that the code names. */
  member(name: string): unknown {
    const member = this.scanned.members.get(name);
    return member && memberValue(this.bytes, member);
  }

  /** Returns a string member. Undefined if it is absent or null. Throws if it is no string. */
  text(name: ReadMember): string | undefined {
    const value = this.value(name);
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string') throw new MalformedBodyError(`The ${name} must be a text.`, name);
    return value;
  }

  wholeNumber(name: ReadMember, maximum: number, minimum = 1): number | undefined {
    const number = this.value(name);
    if (number === undefined || number === null) return undefined;
    if (typeof number !== 'number' || !Number.isInteger(number) || number < minimum || number > maximum) {
      throw new MalformedBodyError(
        `The ${name} must be a whole number between ${minimum} and ${maximum}.`,
        name,
      );
    }
    return number;
  }

  flag(name: ReadMember): boolean {
    const value = this.value(name);
    if (value === undefined || value === null) return false;
    if (typeof value !== 'boolean') throw new MalformedBodyError(`The ${name} must be true or false.`, name);
    return value;
  }

  /** Number of bytes that may become prompt. */
  get inputBytes(): number {
    let inputBytes = this.bytes.length;
    for (const [name, { keyStart, valueEnd }] of this.scanned.members)
      if (NON_PROMPT_MEMBERS.has(name)) inputBytes -= valueEnd - keyStart;
    return inputBytes;
  }

  /** The media of the prompt: parts whose tokens cannot be derived from their bytes. */
  get media(): Media {
    return mediaIn(this.bytes, this.scanned.watched);
  }

  /** True if the prompt has audio. */
  get hasSound(): boolean {
    return this.scanned.watched.some(
      ({ name, below, text }) => CONTENT.has(below) && AUDIO.has(name === 'type' ? text : name),
    );
  }

  /** Returns whether a member may contain an object with an `id`. Is cheap. May be wrong only if it returns true. */
  mayContainId(name: ReadMember): boolean {
    const member = this.scanned.members.get(name);
    if (!member || this.bytes[member.valueStart] !== OPEN_LIST) return false;
    const value = this.bytes.subarray(member.valueStart, member.valueEnd);
    return ID_SPELLINGS.some((spelling) => value.includes(spelling));
  }

  /** Counts the prompts of this member. Each may fill the context and gets its own output. */
  countPrompts(name: ReadMember): number {
    const prompt = this.value(name);
    if (!Array.isArray(prompt)) return 1;
    const prompts = name === 'documents' ? prompt.length : promptsOf(prompt);
    if (prompts > MAX_PROMPTS)
      throw new MalformedBodyError(`The ${name} must have at most ${MAX_PROMPTS} entries.`, name);
    return Math.max(prompts, 1);
  }

  get serviceTier(): { readonly serviceTier?: string } {
    const serviceTier = this.text('service_tier');
    return serviceTier === undefined ? {} : { serviceTier };
  }
}

/** Counts the prompts of a list. A list of integers is one prompt in tokens. Each entry of any other list is at least one. */
const promptsOf = (list: readonly unknown[]): number =>
  list.every(Number.isInteger)
    ? 1
    : list.reduce((sum: number, entry) => sum + (Array.isArray(entry) ? promptsOf(entry) : 1), 0);
