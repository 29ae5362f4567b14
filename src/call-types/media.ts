import type { WatchedName } from '../body/json-scanner.js';
import type { Images } from '../policy/bound.js';
import type { ReadMember } from './read-members.js';

/** Members that carry what people and models say. */
export const CONTENT: ReadonlySet<string> = new Set<ReadMember>(['messages', 'input', 'prompt']);

/** Members of a part that carry, or name, what an image part shows. */
const IMAGE_NAMES = ['image_url', 'input_image', 'image', 'source', 'file_id'];
const IMAGE_DATA: ReadonlySet<string> = new Set(IMAGE_NAMES);

export const MEDIA_NAMES: ReadonlySet<string> = new Set([
  ...IMAGE_NAMES,
  'input_audio',
  'file',
  'audio',
  'video_url',
  // vLLM takes a part for what its members say, whatever its type is.
  'video',
  'audio_url',
  'image_pil',
  'image_embeds',
  'audio_embeds',
  'video_embeds',
  'prompt_embeds',
]);

/** Types of parts that show one image for each member that carries one. */
const IMAGE_TYPES: ReadonlySet<string | undefined> = new Set([
  'image_url',
  'input_image',
  'image',
  'computer_screenshot',
]);
/** Types of what stands in the `source` of an image of Anthropic's. */
const SOURCE_TYPES: ReadonlySet<string | undefined> = new Set(['base64', 'url', 'file']);

/** Types of parts and items where everything is in the bytes. Any other part counts as media. */
const PLAIN_TYPES: ReadonlySet<string | undefined> = new Set([
  'text', 'input_text', 'output_text', 'refusal', 'thinking', 'redacted_thinking', 'reasoning', 'summary_text',
  'function', 'function_call', 'function_call_output', 'tool_use', 'tool_result', 'message', 'custom', 'ephemeral',
  'custom_tool_call', 'custom_tool_call_output',
  // What the client's own tools were asked to do, and what came of it.
  'local_shell_call', 'local_shell_call_output', 'shell_call', 'shell_call_output', 'apply_patch_call',
  'apply_patch_call_output', 'computer_call', 'computer_call_output', 'exec', 'exit', 'timeout', 'create_file',
  'update_file', 'delete_file', 'click', 'double_click', 'drag', 'keypress', 'move', 'screenshot', 'scroll', 'wait',
]); // prettier-ignore

/** What of a prompt does not show in its bytes. */
export interface Media {
  readonly isAny: boolean;
  /** Set where all of it is images. */
  readonly images?: Images;
}

/** One object of a prompt, as far as it was watched. */
interface Part {
  readonly types: (string | undefined)[];
  readonly data: WatchedName[];
  /** It has a member that is media, but no image. */
  isOther: boolean;
}

const NONE: Media = { isAny: false };
const ANY: Media = { isAny: true };

/** What the watched names of a body say of media in it. */
export function mediaIn(bytes: Buffer, watched: readonly WatchedName[]): Media {
  if (!watched.some(isMedia)) return NONE;
  const parts = partsOf(watched);
  const sources = new Set<number>();
  let count = 0;
  let imageBytes = 0;
  for (const { types, data, isOther } of parts.values()) {
    if (isOther) return ANY;
    if (!isImage(types, data)) continue;
    count += Math.max(data.length, 1);
    for (const { name, valueStart, valueEnd } of data) {
      // A list may hold any number.
      if (!ONE_VALUE.has(bytes[valueStart])) return ANY;
      if (name === 'source') sources.add(valueStart);
      imageBytes += valueEnd - valueStart;
    }
  }
  for (const [start, { types, data }] of parts) {
    const isPlain = data.length === 0 && types.every((type) => PLAIN_TYPES.has(type));
    const isSource = sources.has(start) && types.length === 1 && SOURCE_TYPES.has(types[0]);
    if (!isPlain && !isSource && !isImage(types, data)) return ANY;
  }
  return { isAny: true, images: { count, bytes: imageBytes } };
}

const isMedia = ({ name, below, text }: WatchedName) =>
  CONTENT.has(below) && (name === 'type' ? !PLAIN_TYPES.has(text) : MEDIA_NAMES.has(name));

/** The first byte of a text, and of an object. */
const ONE_VALUE: ReadonlySet<number | undefined> = new Set([0x22, 0x7b]);

/** A part of an image type; or one without a type that has nothing but the address of an image. */
const isImage = (types: Part['types'], data: Part['data']): boolean =>
  types.length
    ? types.length === 1 && IMAGE_TYPES.has(types[0])
    : data.length === 1 && data[0]!.name === 'image_url';

function partsOf(watched: readonly WatchedName[]): ReadonlyMap<number, Part> {
  const parts = new Map<number, Part>();
  for (const one of watched) {
    if (!CONTENT.has(one.below)) continue;
    let part = parts.get(one.objectStart);
    if (!part) parts.set(one.objectStart, (part = { types: [], data: [], isOther: false }));
    if (one.name === 'type') part.types.push(one.text);
    else if (IMAGE_DATA.has(one.name)) part.data.push(one);
    else part.isOther = true;
  }
  return parts;
}
