import type {
  JSONValue,
  LanguageModelV3FilePart,
  LanguageModelV3Message,
  LanguageModelV3ReasoningPart,
  LanguageModelV3TextPart,
  LanguageModelV3ToolCallPart,
  LanguageModelV3ToolResultPart,
  SharedV3ProviderOptions,
} from '@ai-sdk/provider';
import { MalformedBodyError } from '../../body/json-scanner.js';
import {
  argumentsAt,
  isMembers,
  listAt,
  type Members,
  objectAt,
  optionalText,
  textAt,
  wrong,
} from '../body-values.js';
import { cacheMark, fileAt, fileOf, redactedOf, signatureOf } from '../prompt-parts.js';
import type { BodyReading } from '../translated-call.js';

type ToolOutput = LanguageModelV3ToolResultPart['output'];
type ToolContent = Extract<ToolOutput, { type: 'content' }>['value'][number];

/** Reads the messages of a chat. */
export function chatPrompt(messages: unknown, reading: BodyReading): LanguageModelV3Message[] {
  const prompt: LanguageModelV3Message[] = [];
  /** Names of the tools that were called, by the id of the call. */
  const toolNames = new Map<string, string>();
  const list = listAt(messages, 'messages');
  for (let i = 0; i < list.length; i++) {
    const at = `messages[${i}]`;
    const message = objectAt(list[i], at);
    switch (message.role) {
      case 'system':
      case 'developer':
        addSystem(prompt, message, at);
        break;
      case 'user':
        prompt.push(
          withMark(
            { role: 'user', content: userParts(message.content, `${at}.content`, reading) },
            message,
            at,
          ),
        );
        break;
      case 'assistant':
        prompt.push(
          withMark({ role: 'assistant', content: assistantParts(message, at, toolNames) }, message, at),
        );
        break;
      case 'tool':
        addToolResult(prompt, message, at, toolNames, reading);
        break;
      default:
        throw wrong(`${at}.role`, "'system', 'developer', 'user', 'assistant' or 'tool'");
    }
  }
  if (!list.length) throw wrong('messages', 'a list of at least one message');
  return prompt;
}

/** Adds the cache mark of a whole message, which counts for its last part. */
function withMark<T extends LanguageModelV3Message>(
  message: T,
  { cache_control: mark }: Members,
  at: string,
): T {
  const options = cacheMark(mark, `${at}.cache_control`);
  return options ? { ...message, providerOptions: options } : message;
}

function addSystem(prompt: LanguageModelV3Message[], message: Members, at: string): void {
  const { content, cache_control: mark } = message;
  const ofMessage = cacheMark(mark, `${at}.cache_control`);
  if (typeof content === 'string') {
    prompt.push({ role: 'system', content, ...(ofMessage && { providerOptions: ofMessage }) });
    return;
  }
  const parts = listAt(content, `${at}.content`);
  parts.forEach((value, j) => {
    const where = `${at}.content[${j}]`;
    const part = objectAt(value, where);
    if (part.type !== 'text') throw notTranslated(`${where}.type`, part.type);
    const options =
      cacheMark(part.cache_control, `${where}.cache_control`) ??
      (j === parts.length - 1 ? ofMessage : undefined);
    prompt.push({
      role: 'system',
      content: textAt(part.text, `${where}.text`),
      ...(options && { providerOptions: options }),
    });
  });
}

/** Returns the error of a part that has no translation. */
const notTranslated = (param: string, type: unknown) =>
  new MalformedBodyError(
    `The ${param} '${String(type)}' cannot be translated to the API of the model's provider.`,
    param,
  );

type UserPart = LanguageModelV3TextPart | LanguageModelV3FilePart;

function userParts(content: unknown, at: string, reading: BodyReading): UserPart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return listAt(content, at).map((value, j) => {
    const where = `${at}[${j}]`;
    const part = objectAt(value, where);
    const read = userPart(part, where, reading);
    const options = cacheMark(part.cache_control, `${where}.cache_control`);
    return options ? { ...read, providerOptions: options } : read;
  });
}

function userPart(part: Members, at: string, reading: BodyReading): UserPart {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: textAt(part.text, `${at}.text`) };
    case 'image_url':
      return imagePart(part.image_url, `${at}.image_url`, reading);
    case 'file':
      return filePart(objectAt(part.file, `${at}.file`), `${at}.file`, reading);
    case 'input_audio': {
      const audio = objectAt(part.input_audio, `${at}.input_audio`);
      const format = textAt(audio.format, `${at}.input_audio.format`);
      const mediaType = format === 'mp3' ? 'audio/mpeg' : `audio/${format}`;
      return fileOf(
        textAt(audio.data, `${at}.input_audio.data`),
        mediaType,
        reading.api,
        `${at}.input_audio`,
      );
    }
    default:
      throw notTranslated(`${at}.type`, part.type);
  }
}

function imagePart(image: unknown, at: string, reading: BodyReading): LanguageModelV3FilePart {
  const isText = typeof image === 'string';
  const members = isText ? undefined : objectAt(image, at);
  const url = isText ? image : textAt(members!.url, `${at}.url`);
  const part = fileAt(url, reading, at, optionalText(members?.format, `${at}.format`) ?? 'image/*');
  const { detail } = members ?? {};
  return typeof detail === 'string'
    ? { ...part, providerOptions: { openai: { imageDetail: detail } } }
    : part;
}

/** Media types of files whose data do not say their own, by the ending of their name. */
const BY_ENDING: Readonly<Record<string, string>> = {
  pdf: 'application/pdf',
  txt: 'text/plain',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
};

function filePart(file: Members, at: string, reading: BodyReading): LanguageModelV3FilePart {
  const filename = optionalText(file.filename, `${at}.filename`);
  const id = optionalText(file.file_id, `${at}.file_id`);
  const data = optionalText(file.file_data, `${at}.file_data`);
  const source = data ?? id;
  if (source === undefined) throw wrong(at, 'a file with its file_data');
  const where = data === undefined ? `${at}.file_id` : `${at}.file_data`;
  const ending = /\.([a-z]+)(?:[?#]|$)/i.exec(filename ?? source.slice(0, 2_000))?.[1]?.toLowerCase();
  const mediaType =
    optionalText(file.format, `${at}.format`) ?? (ending && BY_ENDING[ending]) ?? 'application/pdf';
  if (data !== undefined && !/^(?:data:|https?:)/i.test(data))
    return fileOf(data, mediaType, reading.api, where, filename);
  if (data === undefined && !/^https?:/i.test(source))
    throw new MalformedBodyError(
      'The file_id of an upload cannot be translated: the file is at another provider. Send its file_data.',
      where,
    );
  return fileAt(source, reading, where, mediaType, filename);
}

type AssistantPart = LanguageModelV3TextPart | LanguageModelV3ReasoningPart | LanguageModelV3ToolCallPart;

function assistantParts(message: Members, at: string, toolNames: Map<string, string>): AssistantPart[] {
  const parts: AssistantPart[] = [];
  const blocks = listAt(message.thinking_blocks, `${at}.thinking_blocks`);
  blocks.forEach((value, j) => parts.push(thinkingPart(value, `${at}.thinking_blocks[${j}]`)));
  const reasoning = optionalText(message.reasoning_content ?? message.reasoning, `${at}.reasoning_content`);
  if (reasoning && !blocks.length) parts.push({ type: 'reasoning', text: reasoning });
  addAssistantText(parts, message.content, `${at}.content`);
  const calls = listAt(message.tool_calls, `${at}.tool_calls`);
  calls.forEach((value, j) => parts.push(toolCallPart(value, `${at}.tool_calls[${j}]`, toolNames)));
  if (message.function_call !== undefined && message.function_call !== null)
    throw notTranslated(`${at}.function_call`, 'function_call');
  if (!parts.length) {
    const refusal = optionalText(message.refusal, `${at}.refusal`);
    parts.push({ type: 'text', text: refusal ?? '' });
  }
  return parts;
}

function thinkingPart(value: unknown, at: string): LanguageModelV3ReasoningPart {
  const block = objectAt(value, at);
  if (block.type === 'redacted_thinking')
    return { type: 'reasoning', text: '', providerOptions: redactedOf(textAt(block.data, `${at}.data`)) };
  const text = optionalText(block.thinking, `${at}.thinking`) ?? '';
  const signature = optionalText(block.signature, `${at}.signature`);
  return { type: 'reasoning', text, ...(signature && { providerOptions: signatureOf(signature) }) };
}

function addAssistantText(parts: AssistantPart[], content: unknown, at: string): void {
  if (typeof content === 'string') {
    if (content) parts.push({ type: 'text', text: content });
    return;
  }
  listAt(content, at).forEach((value, j) => {
    const where = `${at}[${j}]`;
    const part = objectAt(value, where);
    if (part.type === 'thinking' || part.type === 'redacted_thinking') {
      parts.push(thinkingPart(part, where));
      return;
    }
    if (part.type !== 'text' && part.type !== 'refusal') throw notTranslated(`${where}.type`, part.type);
    const text = textAt(part.text ?? part.refusal, `${where}.text`);
    const options = cacheMark(part.cache_control, `${where}.cache_control`);
    if (text) parts.push({ type: 'text', text, ...(options && { providerOptions: options }) });
  });
}

function toolCallPart(
  value: unknown,
  at: string,
  toolNames: Map<string, string>,
): LanguageModelV3ToolCallPart {
  const call = objectAt(value, at);
  if (call.type !== undefined && call.type !== 'function') throw notTranslated(`${at}.type`, call.type);
  const called = objectAt(call.function, `${at}.function`);
  const toolCallId = textAt(call.id, `${at}.id`);
  const toolName = textAt(called.name, `${at}.function.name`);
  toolNames.set(toolCallId, toolName);
  const options = thoughtOf(call) ?? cacheMark(call.cache_control, `${at}.cache_control`);
  return {
    type: 'tool-call',
    toolCallId,
    toolName,
    input: argumentsAt(called.arguments, `${at}.function.arguments`),
    ...(options && { providerOptions: options }),
  };
}

/** Returns the signature that Google's models want back with a call of a tool. */
function thoughtOf({ extra_content: extra }: Members): SharedV3ProviderOptions | undefined {
  const google = isMembers(extra) && isMembers(extra.google) ? extra.google : undefined;
  return typeof google?.thought_signature === 'string'
    ? { google: { thoughtSignature: google.thought_signature } }
    : undefined;
}

function addToolResult(
  prompt: LanguageModelV3Message[],
  message: Members,
  at: string,
  toolNames: ReadonlyMap<string, string>,
  reading: BodyReading,
): void {
  const toolCallId = textAt(message.tool_call_id, `${at}.tool_call_id`);
  const options = cacheMark(message.cache_control, `${at}.cache_control`);
  const result: LanguageModelV3ToolResultPart = {
    type: 'tool-result',
    toolCallId,
    toolName: toolNames.get(toolCallId) ?? optionalText(message.name, `${at}.name`) ?? 'tool',
    output: toolOutput(message.content, `${at}.content`, reading),
    ...(options && { providerOptions: options }),
  };
  const last = prompt.at(-1);
  if (last?.role === 'tool') last.content.push(result);
  else prompt.push({ role: 'tool', content: [result] });
}

function toolOutput(content: unknown, at: string, reading: BodyReading): ToolOutput {
  if (content === undefined || content === null) return { type: 'text', value: '' };
  if (typeof content === 'string') return { type: 'text', value: content };
  if (!Array.isArray(content)) return { type: 'json', value: content as JSONValue };
  return { type: 'content', value: content.map((value, j) => toolContent(value, `${at}[${j}]`, reading)) };
}

function toolContent(value: unknown, at: string, reading: BodyReading): ToolContent {
  const part = objectAt(value, at);
  const options = cacheMark(part.cache_control, `${at}.cache_control`);
  const read = userPart(part, at, reading);
  if (read.type === 'text')
    return { type: 'text', text: read.text, ...(options && { providerOptions: options }) };
  return fileContent(read, options);
}

/** Returns a file as a part of a tool's result. */
export function fileContent(
  { mediaType, data, filename }: LanguageModelV3FilePart,
  options?: SharedV3ProviderOptions,
): ToolContent {
  const isImage = mediaType.startsWith('image/');
  const marked = options && { providerOptions: options };
  if (data instanceof URL) return { type: isImage ? 'image-url' : 'file-url', url: data.href, ...marked };
  const name = filename !== undefined && { filename };
  return isImage
    ? { type: 'image-data', data: data as string, mediaType, ...marked }
    : { type: 'file-data', data: data as string, mediaType, ...name, ...marked };
}
