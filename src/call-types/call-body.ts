import { MalformedBodyError, memberValue, type ScannedObject } from '../body/json-scanner.js';
import { NON_PROMPT_MEMBERS } from '../tokenizer/non-prompt-members.js';
import { CONTENT, type Media, mediaIn } from './media.js';
import type { ReadMember } from './read-members.js';

/** Names and types of parts that are sound. */
const SOUND: ReadonlySet<string | undefined> = new Set(['input_audio', 'audio', 'audio_url', 'audio_embeds']);

const OPEN_LIST = 0x5b;
/** The name `id`, plain or with an escape. */
const ID_SPELLINGS = ['"id"', '\\u0069', '\\u0064'];

const MAX_PROMPTS = 10_000;

/** A call's body, asked member by member. What is wrong with one is thrown as a `MalformedBodyError` that names it. */
export class CallBody {
  constructor(
    readonly bytes: Buffer,
    readonly scanned: ScannedObject,
  ) {}

  /** The names of all members, as they are spelled. */
  get names(): readonly string[] {
    return [...this.scanned.members.keys()];
  }

  has(name: ReadMember): boolean {
    return this.scanned.members.has(name);
  }

  /** A member's value; undefined where there is none. */
  value(name: ReadMember): unknown {
    return this.member(name);
  }

  /** The value of a member that a setting names: one that the gateway itself reads is asked for by `value`. */
  member(name: string): unknown {
    const member = this.scanned.members.get(name);
    return member && memberValue(this.bytes, member);
  }

  /** A member that must be a text, if it is there. */
  text(name: ReadMember): string | undefined {
    const value = this.value(name);
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string') throw new MalformedBodyError(`The ${name} must be a text.`, name);
    return value;
  }

  wholeNumber(name: ReadMember, most: number, from = 1): number | undefined {
    const number = this.value(name);
    if (number === undefined || number === null) return undefined;
    if (typeof number !== 'number' || !Number.isInteger(number) || number < from || number > most) {
      throw new MalformedBodyError(`The ${name} must be a whole number between ${from} and ${most}.`, name);
    }
    return number;
  }

  flag(name: ReadMember): boolean {
    const value = this.value(name);
    if (value === undefined || value === null) return false;
    if (typeof value !== 'boolean') throw new MalformedBodyError(`The ${name} must be true or false.`, name);
    return value;
  }

  /** Bytes of everything that may become prompt. */
  get inputBytes(): number {
    let inputBytes = this.bytes.length;
    for (const [name, { keyStart, valueEnd }] of this.scanned.members)
      if (NON_PROMPT_MEMBERS.has(name)) inputBytes -= valueEnd - keyStart;
    return inputBytes;
  }

  /** What is in the prompt whose tokens do not show in its bytes. */
  get media(): Media {
    return mediaIn(this.bytes, this.scanned.watched);
  }

  /** Is there sound in the prompt? */
  get hasSound(): boolean {
    return this.scanned.watched.some(
      ({ name, below, text }) => CONTENT.has(below) && SOUND.has(name === 'type' ? text : name),
    );
  }

  /** May a member hold an object with an `id`? Cheap, and never wrongly no. */
  mentionsId(name: ReadMember): boolean {
    const member = this.scanned.members.get(name);
    if (!member || this.bytes[member.valueStart] !== OPEN_LIST) return false;
    const value = this.bytes.subarray(member.valueStart, member.valueEnd);
    return ID_SPELLINGS.some((spelling) => value.includes(spelling));
  }

  /** How many prompts this member carries: each may fill the context and is answered by itself. */
  promptsIn(name: ReadMember): number {
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

/** A list of integers is one prompt, in tokens. Every entry of any other list is at least one. */
const promptsOf = (list: readonly unknown[]): number =>
  list.every(Number.isInteger)
    ? 1
    : list.reduce((sum: number, entry) => sum + (Array.isArray(entry) ? promptsOf(entry) : 1), 0);
