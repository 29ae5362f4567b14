import { MalformedBodyError, memberValue } from '../body/json-scanner.js';
import { googleStatus } from '../http/google-status.js';
import type { CallSize, Fee } from '../policy/bound.js';
import type { Usage } from '../policy/price.js';
import type { CallBody } from './call-body.js';
import type { CallType, EventContent, ResponseObject, StreamFormat } from './call-type.js';
import { withFee } from './fees.js';
import { indexOfWord, quotedWord } from './json-string-search.js';
import { isObject, tokens } from './reported-usage.js';

const MAX_CANDIDATES = 8;
const MAX_OUTPUT_TOKENS = 1_000_000_000;
/** Maximum tokens of the provider's own instructions to a model with tools. */
const TOOL_PROMPT_TOKENS = 1_024;

/** Parts whose tokens their bytes show. */
const TEXT_PARTS = new Set([
  'text', 'thought', 'thoughtSignature', 'functionCall', 'functionResponse', 'executableCode', 'codeExecutionResult',
]); // prettier-ignore

type Parts = readonly Readonly<Record<string, unknown>>[];

/** Google's models at their own API. */
export const generateContent: CallType = {
  callType: 'generate_content',
  path: '/generateContent',
  size: generateSize,
  limitMember: () => 'generationConfig',
  limitEdit: (bytes, members, limit) => {
    const member = members.get('generationConfig');
    const config = member ? memberValue(bytes, member) : undefined;
    return JSON.stringify({ ...(isObject(config) && config), maxOutputTokens: limit });
  },
  usage: (response) => geminiUsage(response),
  writtenParts: (response) => candidatesOf(response).map(({ content }) => content),
  stream: stream(),
};

/** Counts of Google's tokens. They are free; every caller of the model may make them. */
export const geminiTokenCount: CallType = {
  ...generateContent,
  callType: 'token_count',
  path: '/countTokens',
  size: (body) => {
    if (body.names.includes('generateContentRequest'))
      throw new MalformedBodyError(
        'A generateContentRequest is not served: write its contents here.',
        'generateContentRequest',
      );
    return {
      inputBytes: body.inputBytes,
      hasMedia: false,
      copies: 1,
      prompts: 1,
      generates: false,
      isFree: true,
    };
  },
  usage: () => ({ inputTokens: 0, outputTokens: 0 }),
  writtenParts: () => [],
};

/** Embeddings at Google's own API. Its answers report no usage of every model, so the bytes count then. */
export const embedContent: CallType = {
  ...generateContent,
  callType: 'embedding',
  path: '/embedContent',
  size: (body) => ({
    inputBytes: body.inputBytes,
    hasMedia: partsOf([body.value('content')]).some((part) => !isText(part)),
    copies: 1,
    prompts: 1,
    generates: false,
  }),
  usage: (response) => geminiUsage(response),
  writtenParts: () => [],
};

function generateSize(body: CallBody): CallSize {
  for (const name of body.names)
    if (SNAKE_NAMES.has(name))
      throw new MalformedBodyError(`'${name}' must be spelled '${camelCase(name)}'.`, name);
  if ((body.value('cachedContent') ?? null) !== null)
    throw new MalformedBodyError(
      'A cachedContent is not served: it is stored at the provider, where every key of the gateway could use it.',
      'cachedContent',
    );
  const config = body.value('generationConfig') ?? {};
  if (!isObject(config))
    throw new MalformedBodyError('The generationConfig must be an object.', 'generationConfig');
  const snake = Object.keys(config).find((name) => name.includes('_'));
  if (snake !== undefined)
    throw new MalformedBodyError(
      `'generationConfig.${snake.slice(0, 64)}' must be spelled '${camelCase(snake.slice(0, 64))}'.`,
      'generationConfig',
    );
  const outputTokens = whole(config, 'maxOutputTokens', MAX_OUTPUT_TOKENS);
  const copies = whole(config, 'candidateCount', MAX_CANDIDATES) ?? 1;
  const parts = partsOf([...listOf(body.value('contents')), body.value('systemInstruction')]);
  const media = parts.filter((part) => !isText(part));
  const images = media.every(isImage) ? media : undefined;
  const { thinkingConfig, responseModalities, speechConfig } = config;
  const thinks = isObject(thinkingConfig) && thinkingConfig.thinkingBudget !== 0;
  const modalities = new Set(listOf(responseModalities).map((modality) => String(modality).toUpperCase()));
  const hasTools = listOf(body.value('tools')).length > 0;
  return {
    inputBytes: body.inputBytes,
    hasMedia: media.length > 0,
    ...(images?.length && {
      images: {
        count: images.length,
        bytes: images.reduce((sum, part) => sum + JSON.stringify(part).length, 0),
      },
    }),
    copies,
    prompts: 1,
    generates: true,
    ...(outputTokens !== undefined && { outputTokens }),
    ...(thinks && { thinks: true as const }),
    ...(hasTools && { hasTools: true as const, hiddenTokens: TOOL_PROMPT_TOKENS }),
    ...(media.some((part) => !isImage(part)) && { hearsSound: true as const }),
    ...((modalities.has('AUDIO') || isObject(speechConfig)) && { speaks: true as const }),
    ...withFee(toolFee(body.value('tools')) ?? pictureFee(modalities)),
  };
}

const SNAKE_NAMES = new Set([
  'generation_config', 'system_instruction', 'cached_content', 'safety_settings', 'tool_config', 'service_tier',
]); // prettier-ignore

const camelCase = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];

/** Returns every part of these contents, those inside results of functions too. */
function partsOf(contents: readonly unknown[]): Parts {
  return contents.flatMap((content) => {
    // A text in place of a content is one part of text.
    if (!isObject(content)) return [];
    const parts = 'parts' in content ? listOf(content.parts).filter(isObject) : [content];
    return parts.flatMap((part) => {
      const { functionResponse } = part;
      return isObject(functionResponse) && 'parts' in functionResponse
        ? [part, ...listOf(functionResponse.parts).filter(isObject)]
        : [part];
    });
  });
}

const isText = (part: Readonly<Record<string, unknown>>): boolean =>
  Object.keys(part).every((name) => TEXT_PARTS.has(name) || name === 'role');

/** Tells whether a part is an image in the body itself. */
const isImage = ({ inlineData, ...others }: Readonly<Record<string, unknown>>): boolean =>
  isObject(inlineData) && /^image\//i.test(String(inlineData.mimeType)) && isText(others);

/** Returns the first tool that the provider runs. */
function toolFee(tools: unknown): Fee | undefined {
  const own = listOf(tools)
    .flatMap((tool) => (isObject(tool) ? Object.keys(tool) : ['?']))
    .find((name) => name !== 'functionDeclarations');
  return own === undefined ? undefined : { what: `the tool '${own.slice(0, 64)}'`, param: 'tools' };
}

const pictureFee = (modalities: ReadonlySet<string>): Fee | undefined =>
  [...modalities].every((modality) => modality === 'TEXT' || modality === 'AUDIO')
    ? undefined
    : { what: "'generationConfig.responseModalities'", param: 'generationConfig' };

function whole(config: Readonly<Record<string, unknown>>, name: string, maximum: number): number | undefined {
  const value = config[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > maximum)
    throw new MalformedBodyError(
      `The generationConfig.${name} must be a whole number between 1 and ${maximum}.`,
      'generationConfig',
    );
  return value;
}

const candidatesOf = (response: ResponseObject): Parts => listOf(response?.candidates).filter(isObject);

/** Returns the tokens of one modality in a list of details. */
const ofModality = (details: unknown, modality: string): number =>
  listOf(details).reduce<number>(
    (sum, detail) =>
      sum + (isObject(detail) && detail.modality === modality ? (tokens(detail.tokenCount) ?? 0) : 0),
    0,
  );

/** Returns the usage of Google's form. Thoughts are beside the candidates; the cached prompt is part of the prompt. */
function geminiUsage(response: ResponseObject): Usage | undefined {
  const meta = response?.usageMetadata;
  if (!isObject(meta)) return undefined;
  const count = (name: string) => tokens(meta[name]) ?? 0;
  if (tokens(meta.promptTokenCount) === undefined && tokens(meta.totalTokenCount) === undefined)
    return undefined;
  const inputTokens = count('promptTokenCount') + count('toolUsePromptTokenCount');
  const reasoningTokens = count('thoughtsTokenCount');
  // What the total has beyond its parts was written, too.
  const outputTokens = Math.max(
    count('candidatesTokenCount') + reasoningTokens,
    count('totalTokenCount') - inputTokens,
  );
  const cachedInputTokens = Math.min(count('cachedContentTokenCount'), inputTokens);
  const heard = ofModality(meta.promptTokensDetails, 'AUDIO') - ofModality(meta.cacheTokensDetails, 'AUDIO');
  const inputAudioTokens = Math.min(Math.max(heard, 0), inputTokens - cachedInputTokens);
  const outputAudioTokens = ofModality(meta.candidatesTokensDetails, 'AUDIO');
  const outputImageTokens = ofModality(meta.candidatesTokensDetails, 'IMAGE');
  const webSearches = searchesIn(response);
  return {
    inputTokens,
    outputTokens,
    ...(cachedInputTokens && { cachedInputTokens }),
    ...(inputAudioTokens && { inputAudioTokens }),
    ...(reasoningTokens && { reasoningTokens }),
    ...(outputAudioTokens && { outputAudioTokens }),
    ...(outputImageTokens && { outputImageTokens }),
    ...(webSearches && { webSearches }),
  };
}

/** Older models are billed once for an answer with searches, newer ones for each search. */
const BILLED_ONCE = /^gemini-[12](?:\.|-)/;

function searchesIn(response: ResponseObject): number {
  const queries = candidatesOf(response).flatMap(({ groundingMetadata }) =>
    isObject(groundingMetadata) ? listOf(groundingMetadata.webSearchQueries) : [],
  ).length;
  return queries && BILLED_ONCE.test(String(response?.modelVersion)) ? 1 : queries;
}

function stream(): StreamFormat {
  const [usageWord, finishWord] = [quotedWord('usageMetadata'), quotedWord('finishReason')];
  const has = (events: Buffer, word: ReturnType<typeof quotedWord>) => indexOfWord(events, word) >= 0;
  return {
    mayCarryUsage: (events) => has(events, usageWord) || has(events, finishWord),
    read: (data, before) => contentOf(data, before),
    hasFinalText: (events) => has(events, finishWord),
    // Each candidate has an end of its own.
    hasSeveralEnds: true,
    countsAsItGoes: true,
    textMembers: ['text', 'args', 'code'].map(quotedWord),
    failure: ({ message, code }) =>
      `data: ${JSON.stringify({ error: { code: Number(code), message, status: googleStatus(Number(code)) } })}\n\n`,
  };
}

function contentOf(data: Buffer, before: Usage | undefined): EventContent {
  let chunk: unknown;
  try {
    chunk = JSON.parse(data.toString('utf8'));
  } catch {
    return {};
  }
  if (!isObject(chunk)) return {};
  const isEnd = candidatesOf(chunk).some(({ finishReason }) => typeof finishReason === 'string');
  const isBlocked = isObject(chunk.promptFeedback) && chunk.promptFeedback.blockReason !== undefined;
  const usage = geminiUsage(chunk);
  const webSearches = Math.max(usage?.webSearches ?? 0, before?.webSearches ?? 0);
  return {
    ...(usage && { usage: { ...usage, ...(webSearches && { webSearches }) } }),
    ...(!isEnd && !isBlocked && usage && { usageIsPartial: true as const }),
    ...((isEnd || isBlocked) && { ends: true as const }),
    ...(typeof chunk.responseId === 'string' && { answerId: chunk.responseId }),
  };
}
