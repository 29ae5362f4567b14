import { MalformedBodyError, memberValue } from '../body/json-scanner.js';
import type { CallSize, Fee } from '../policy/bound.js';
import { SERVICE_TIERS, type Usage } from '../policy/price.js';
import type { CallBody } from './call-body.js';
import type { CallType, EventContent, ResponseObject, StreamFormat } from './call-type.js';
import { withFee } from './fees.js';
import { indexOfWord, quotedWord } from './json-string-search.js';
import { limitsOutput } from './output-limits.js';
import { isObject, tokens } from './reported-usage.js';

const MAX_OUTPUT_TOKENS = 1_000_000_000;
/** Maximum tokens of a maker's own instructions to a model with tools. */
const TOOL_PROMPT_TOKENS = 1_024;
const LONG_CONTEXT_TOKENS = 1_000_000;
/** Blocks whose tokens their bytes show. */
const TEXT_BLOCKS = new Set(['text', 'toolUse', 'reasoningContent', 'cachePoint', 'json']);

type Settings = Readonly<Record<string, unknown>>;

/** Calls of Bedrock's Converse API. */
export const converse: CallType = {
  callType: 'converse',
  path: '/converse',
  size: converseSize,
  limitMember: () => 'inferenceConfig',
  limitEdit: (bytes, members, limit) => {
    const member = members.get('inferenceConfig');
    const config = member ? memberValue(bytes, member) : undefined;
    return JSON.stringify({ ...(isObject(config) && config), maxTokens: limit });
  },
  usage: (response) => converseUsage(response),
  writtenParts: (response) => {
    const message = isObject(response?.output) ? response.output.message : undefined;
    return isObject(message) && Array.isArray(message.content) ? message.content : [];
  },
  stream: stream(),
};

function converseSize(body: CallBody): CallSize {
  if ((body.value('promptVariables') ?? null) !== null)
    throw new MalformedBodyError(
      'Prompts that are stored at the provider are not served.',
      'promptVariables',
    );
  const config = objectOf(body, 'inferenceConfig');
  const further = objectOf(body, 'additionalModelRequestFields');
  const limit = hiddenLimit(further);
  if (limit !== undefined)
    throw new MalformedBodyError(
      `'additionalModelRequestFields.${limit.slice(0, 64)}' limits the output beside inferenceConfig.maxTokens. Write the limit there.`,
      'additionalModelRequestFields',
    );
  const outputTokens = config.maxTokens ?? undefined;
  if (outputTokens !== undefined && !(tokens(outputTokens) && tokens(outputTokens)! <= MAX_OUTPUT_TOKENS))
    throw new MalformedBodyError(
      `The inferenceConfig.maxTokens must be a whole number between 1 and ${MAX_OUTPUT_TOKENS}.`,
      'inferenceConfig',
    );
  const messages = listOf(body.value('messages')).flatMap((message) =>
    isObject(message) ? listOf(message.content) : [],
  );
  const hasMedia = [...messages, ...listOf(body.value('system'))].some((block) => !isTextBlock(block));
  const thinking = further.thinking ?? further.reasoning_config ?? further.reasoningConfig;
  const budget = isObject(thinking) ? tokens(thinking.budget_tokens) : undefined;
  const tools = body.value('toolConfig');
  const betas = listOf(further.anthropic_beta).map(String);
  return {
    inputBytes: body.inputBytes,
    hasMedia,
    copies: 1,
    prompts: 1,
    generates: true,
    ...(outputTokens !== undefined && { outputTokens: outputTokens as number }),
    ...(isObject(thinking) && thinking.type !== 'disabled' && { thinks: true as const }),
    ...(budget &&
      !betas.some((beta) => beta.startsWith('interleaved-thinking-')) && { leastOutputTokens: budget + 1 }),
    ...(betas.some((beta) => beta.startsWith('context-1m-')) && { contextTokens: LONG_CONTEXT_TOKENS }),
    ...(isObject(tools) && { hasTools: true as const, hiddenTokens: TOOL_PROMPT_TOKENS }),
    ...withFee(surchargeIn(body, tools)),
  };
}

function objectOf(body: CallBody, name: 'inferenceConfig' | 'additionalModelRequestFields'): Settings {
  const value = body.value(name) ?? {};
  if (!isObject(value)) throw new MalformedBodyError(`The ${name} must be an object.`, name);
  return value;
}

/** Returns a member of a maker's own that limits the output, as far as two levels down. */
function hiddenLimit(further: Settings): string | undefined {
  for (const [name, value] of Object.entries(further)) {
    if (limitsOutput(name) || LIMITS.has(name)) return name;
    const inner = isObject(value)
      ? Object.keys(value).find((key) => limitsOutput(key) || LIMITS.has(key))
      : undefined;
    if (inner !== undefined) return `${name}.${inner}`;
  }
  return undefined;
}

const LIMITS = new Set(['maxTokens', 'maxTokenCount', 'maxTokensToSample', 'maxOutputTokens']);

const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];

function isTextBlock(block: unknown): boolean {
  if (!isObject(block)) return true;
  return Object.entries(block).every(([name, value]) =>
    name === 'toolResult'
      ? isObject(value) && listOf(value.content).every(isTextBlock)
      : TEXT_BLOCKS.has(name),
  );
}

/** Returns the first member that makes the provider charge more than the known prices. */
function surchargeIn(body: CallBody, tools: unknown): Fee | undefined {
  const own = isObject(tools)
    ? listOf(tools.tools)
        .flatMap((tool) => (isObject(tool) ? Object.keys(tool) : ['?']))
        .find((name) => name !== 'toolSpec' && name !== 'cachePoint')
    : undefined;
  if (own !== undefined) return { what: `the tool '${own.slice(0, 64)}'`, param: 'toolConfig' };
  const performance = body.value('performanceConfig');
  if (isObject(performance) && (performance.latency ?? 'standard') !== 'standard')
    return { what: "'performanceConfig'", param: 'performanceConfig' };
  const tier = body.value('serviceTier');
  if (isObject(tier) && (tier.type ?? 'default') !== 'default')
    return { what: "'serviceTier'", param: 'serviceTier' };
  return (body.value('guardrailConfig') ?? null) === null
    ? undefined
    : { what: "'guardrailConfig'", param: 'guardrailConfig' };
}

/** Returns the usage of Bedrock's form, which counts cached tokens apart from the rest of the prompt. */
function converseUsage(response: ResponseObject): Usage | undefined {
  const reported = response?.usage;
  if (!isObject(reported)) return undefined;
  const tier = isObject(response?.serviceTier) ? response.serviceTier.type : undefined;
  const serviceTier = SERVICE_TIERS.find((name) => name === tier);
  const count = (name: string) => tokens(reported[name]);
  const [plain, outputTokens] = [count('inputTokens'), count('outputTokens')];
  if (plain === undefined || outputTokens === undefined) return undefined;
  const cachedInputTokens = count('cacheReadInputTokens') ?? 0;
  const written = count('cacheWriteInputTokens') ?? 0;
  const hour = listOf(reported.cacheDetails).reduce<number>(
    (sum, detail) => sum + (isObject(detail) && detail.ttl === '1h' ? (tokens(detail.inputTokens) ?? 0) : 0),
    0,
  );
  const cacheWrite1hTokens = Math.min(hour, written);
  const cacheWriteTokens = written - cacheWrite1hTokens;
  return {
    inputTokens: plain + cachedInputTokens + written,
    outputTokens,
    ...(cachedInputTokens && { cachedInputTokens }),
    ...(cacheWriteTokens && { cacheWriteTokens }),
    ...(cacheWrite1hTokens && { cacheWrite1hTokens }),
    ...(serviceTier && { serviceTier }),
  };
}

function stream(): StreamFormat {
  const [usageWord, stopWord] = [quotedWord('usage'), quotedWord('stopReason')];
  return {
    mayCarryUsage: (events) => indexOfWord(events, usageWord) >= 0,
    read: (data) => contentOf(data),
    hasFinalText: (events) => indexOfWord(events, stopWord) >= 0,
    textMembers: ['text', 'input'].map(quotedWord),
    failure: ({ message, code }) =>
      `event: exception\ndata: ${JSON.stringify({ error: { message, code } })}\n\n`,
  };
}

/** Reads one event. The one with the usage is the last. */
function contentOf(data: Buffer): EventContent {
  try {
    const usage = converseUsage(JSON.parse(data.toString('utf8')) as ResponseObject);
    return usage ? { usage, ends: true } : {};
  } catch {
    return {};
  }
}
