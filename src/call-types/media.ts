import type { WatchedName } from '../body/json-scanner.js';
import type { Images } from '../policy/bound.js';
import type { ReadMember } from './read-members.js';

/** Members that carry the conversation. */
export const CONTENT: ReadonlySet<string> = new Set<ReadMember>(['messages', 'input', 'prompt']);

/** Members of a part that carry or name an image. */
const IMAGE_NAMES = ['image_url', 'input_image', 'image', 'source', 'file_id'];
const IMAGE_DATA: ReadonlySet<string> = new Set(IMAGE_NAMES);

export const MEDIA_NAMES: ReadonlySet<string> = new Set([
  ...IMAGE_NAMES,
  'input_audio',
  'file',
  'audio',
  'video_url',
  // vLLM reads these members in a part of any type.
  'video',
  'audio_url',
  'image_pil',
  'image_embeds',
  'audio_embeds',
  'video_embeds',
  'prompt_embeds',
]);

/** Types of parts that show one image for each member with image data. */
const IMAGE_TYPES: ReadonlySet<string | undefined> = new Set([
  'image_url',
  'input_image',
  'image',
  'computer_screenshot',
]);
/** Types of the `source` of an Anthropic image. */
const SOURCE_TYPES: ReadonlySet<string | undefined> = new Set(['base64', 'url', 'file']);

/** Types of parts and items whose tokens all show in the bytes. Any other part counts as media. */
const PLAIN_TYPES: ReadonlySet<string | undefined> = new Set([
  'text', 'input_text', 'output_text', 'refusal', 'thinking', 'redacted_thinking', 'reasoning', 'summary_text',
  'function', 'function_call', 'function_call_output', 'tool_use', 'tool_result', 'message', 'custom', 'ephemeral',
  'custom_tool_call', 'custom_tool_call_output',
  // Calls of the client's own tools, and their results.
  'local_shell_call', 'local_shell_call_output', 'shell_call', 'shell_call_output', 'apply_patch_call',
  'apply_patch_call_output', 'computer_call', 'computer_call_output', 'exec', 'exit', 'timeout', 'create_file',
  'update_file', 'delete_file', 'click', 'double_click', 'drag', 'keypress', 'move', 'screenshot', 'scroll', 'wait',
]); // prettier-ignore

/** The parts of a prompt whose tokens do not show in its bytes. */
export interface Media {
  readonly isAny: boolean;
  /** Set if all media are images. */
  readonly images?: Images;
}

/** One object of a prompt, with its watched members. */
interface Part {
  readonly types: (string | undefined)[];
  readonly data: WatchedName[];
  /** True if a member is media other than an image. */
  isOther: boolean;
}

const NONE: Media = { isAny: false };
const ANY: Media = { isAny: true };

/** Returns the media of a body, by its watched names. */
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
      // A list may contain any number of images.
      if (!SINGLE_VALUE_STARTS.has(bytes[valueStart])) return ANY;
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

/** The first byte of a string and of an object. */
const SINGLE_VALUE_STARTS: ReadonlySet<number | undefined> = new Set([0x22, 0x7b]);

/** Returns whether a part is an image: by its type, or without a type if it has only the URL of an image. */
const isImage = (types: Part['types'], data: Part['data']): boolean =>
  types.length
    ? types.length === 1 && IMAGE_TYPES.has(types[0])
    : data.length === 1 && data[0]!.name === 'image_url';

function partsOf(watched: readonly WatchedName[]): ReadonlyMap<number, Part> {
  const parts = new Map<number, Part>();
  for (const member of watched) {
    if (!CONTENT.has(member.below)) continue;
    let part = parts.get(member.objectStart);
    if (!part) parts.set(member.objectStart, (part = { types: [], data: [], isOther: false }));
    if (member.name === 'type') part.types.push(member.text);
    else if (IMAGE_DATA.has(member.name)) part.data.push(member);
    else part.isOther = true;
  }
  return parts;
}
