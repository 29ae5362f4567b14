import { fieldText, type FormFile, type ScannedForm } from '../body/form-scanner.js';
import { MalformedBodyError } from '../body/json-scanner.js';
import { CallBody } from './call-body.js';
import type { Media } from './media.js';
import { READ_MEMBERS } from './read-members.js';

const READ: ReadonlySet<string> = new Set(READ_MEMBERS);

/** Fields whose text is JSON. All others are strings. */
const JSON_FIELDS = new Set([
  'n',
  'stream',
  'partial_images',
  'tags',
  'metadata',
  'litellm_metadata',
  'router_settings_override',
  'fallbacks',
  'context_window_fallbacks',
  'content_policy_fallbacks',
]);

/** The body of a call in a form. */
export class FormBody extends CallBody {
  constructor(
    bytes: Buffer,
    override readonly scanned: ScannedForm,
  ) {
    super(bytes, scanned);
    for (const { name } of scanned.files)
      if (READ.has(name)) throw new MalformedBodyError(`The ${name} must be a text, not a file.`, name);
  }

  override member(name: string): unknown {
    const member = this.scanned.members.get(name);
    if (!member) return undefined;
    const text = fieldText(this.bytes, member);
    if (!JSON_FIELDS.has(name)) return text;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return text;
    }
  }

  override get names(): readonly string[] {
    return [...new Set([...super.names, ...this.files.map(({ name }) => name)])];
  }

  /** Number of bytes of the text fields. Files are not counted. */
  override get inputBytes(): number {
    let inputBytes = 0;
    for (const { valueStart, valueEnd } of this.scanned.members.values()) inputBytes += valueEnd - valueStart;
    return inputBytes;
  }

  override get media(): Media {
    const { length } = this.scanned.files;
    return length ? { isAny: true, images: { count: length, bytes: 0 } } : { isAny: false };
  }

  get files(): readonly FormFile[] {
    return this.scanned.files;
  }
}
