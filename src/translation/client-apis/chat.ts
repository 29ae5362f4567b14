import type {
  JSONSchema7,
  LanguageModelV3CallOptions,
  LanguageModelV3FunctionTool,
  LanguageModelV3ToolChoice,
} from '@ai-sdk/provider';
import { MalformedBodyError } from '../../body/json-scanner.js';
import { limitsOutput } from '../../call-types/output-limits.js';
import { READ_MEMBERS } from '../../call-types/read-members.js';
import {
  isMembers,
  listAt,
  type Members,
  objectAt,
  optionalFlag,
  optionalNumber,
  optionalText,
  textAt,
  wrong,
} from '../body-values.js';
import { cacheMark } from '../prompt-parts.js';
import type { BodyReading, ClientApi, Feature, Reasoning, TranslatedCall } from '../translated-call.js';
import { ChatStreamWriter, wholeChat } from './chat-answer.js';
import { chatPrompt } from './chat-prompt.js';

/** OpenAI's chat completions. */
export const chat: ClientApi = {
  name: 'chat',
  read: readChat,
  whole: wholeChat,
  stream: (facts) => new ChatStreamWriter(facts),
};

/** Members that this file reads, or that say nothing to the provider. All others go to the provider as they are. */
const KNOWN: ReadonlySet<string> = new Set([
  'model', 'messages', 'stream', 'stream_options', 'tools', 'tool_choice', 'parallel_tool_calls', 'temperature',
  'top_p', 'top_k', 'stop', 'seed', 'frequency_penalty', 'presence_penalty', 'response_format', 'reasoning_effort',
  'thinking', 'user', 'safety_identifier', 'metadata', 'service_tier', 'n', 'logprobs', 'top_logprobs', 'logit_bias',
  'modalities', 'audio', 'store', 'verbosity', 'prediction', 'functions', 'function_call', 'web_search_options',
  'prompt_cache_key', 'prompt_cache_retention', 'extra_body', 'extra_headers',
]); // prettier-ignore

const READ: ReadonlySet<string> = new Set(READ_MEMBERS);

function readChat(sent: Members, reading: BodyReading): TranslatedCall {
  const body = withExtraBody(sent);
  const options: LanguageModelV3CallOptions = { prompt: chatPrompt(body.messages, reading) };
  const call: TranslatedCall = {
    options,
    stream: body.stream === true,
    ownMembers: ownMembers(body, reading),
  };
  readSettings(body, options, reading);
  readTools(body, call, reading);
  readFormat(body, options, reading);
  refuseOthers(body, reading);
  const reasoning = reasoningOf(body);
  if (reasoning && (reasoning.isOff || reading.takes('reasoning', reasoning.param)))
    call.reasoning = reasoning;
  const user = endUserOf(body);
  if (user !== undefined) call.endUser = user;
  const tier = optionalText(body.service_tier, 'service_tier');
  if (tier !== undefined) call.serviceTier = tier;
  return call;
}

/** Merges `extra_body` into the body. It may hold no member on which the checks of the call depend. */
function withExtraBody(body: Members): Members {
  const { extra_body: extra } = body;
  if (extra === undefined || extra === null) return body;
  const added = objectAt(extra, 'extra_body');
  for (const name of Object.keys(added))
    if (READ.has(name))
      throw new MalformedBodyError(
        `The ${name} must stand in the body itself, where it is checked, not in extra_body.`,
        `extra_body.${name}`,
      );
  return { ...body, ...added };
}

function ownMembers(body: Members, { isOfGateway }: BodyReading): Record<string, unknown> {
  const own: Record<string, unknown> = {};
  for (const name in body)
    if (!KNOWN.has(name) && !limitsOutput(name) && !isOfGateway(name)) own[name] = body[name];
  return own;
}

function readSettings(body: Members, options: LanguageModelV3CallOptions, { takes }: BodyReading): void {
  const number = (name: string) => optionalNumber(body[name], name);
  const temperature = number('temperature');
  if (temperature !== undefined) options.temperature = temperature;
  const topP = number('top_p');
  if (topP !== undefined) options.topP = topP;
  const topK = number('top_k');
  if (topK !== undefined && takes('topK', 'top_k')) options.topK = topK;
  const seed = number('seed');
  if (seed !== undefined && takes('seed', 'seed')) options.seed = seed;
  const frequency = number('frequency_penalty');
  if (frequency && takes('frequencyPenalty', 'frequency_penalty')) options.frequencyPenalty = frequency;
  const presence = number('presence_penalty');
  if (presence && takes('presencePenalty', 'presence_penalty')) options.presencePenalty = presence;
  const { stop } = body;
  const stops =
    typeof stop === 'string' ? [stop] : listAt(stop, 'stop').map((one, i) => textAt(one, `stop[${i}]`));
  if (stops.length && takes('stopSequences', 'stop')) options.stopSequences = stops;
}

const NO_PARAMETERS: JSONSchema7 = { type: 'object', properties: {} };

function readTools(body: Members, call: TranslatedCall, reading: BodyReading): void {
  const { options } = call;
  const tools = listAt(body.tools, 'tools').map((value, i) => toolOf(value, `tools[${i}]`));
  if (tools.length) options.tools = tools;
  const choice = toolChoiceOf(body.tool_choice);
  if (choice) options.toolChoice = choice;
  const parallel = optionalFlag(body.parallel_tool_calls, 'parallel_tool_calls');
  if (parallel === false && tools.length && reading.takes('serialToolCalls', 'parallel_tool_calls'))
    call.parallelToolCalls = false;
}

function toolOf(value: unknown, at: string): LanguageModelV3FunctionTool {
  const tool = objectAt(value, at);
  if (tool.type !== undefined && tool.type !== 'function')
    throw new MalformedBodyError(
      `The ${at}.type '${String(tool.type)}' cannot be translated to the API of the model's provider: only functions can.`,
      `${at}.type`,
    );
  const own = objectAt(tool.function, `${at}.function`);
  const options = cacheMark(tool.cache_control ?? own.cache_control, `${at}.cache_control`);
  const description = optionalText(own.description, `${at}.function.description`);
  const strict = optionalFlag(own.strict, `${at}.function.strict`);
  const { parameters } = own;
  return {
    type: 'function',
    name: textAt(own.name, `${at}.function.name`),
    inputSchema:
      parameters === undefined || parameters === null
        ? NO_PARAMETERS
        : (objectAt(parameters, `${at}.function.parameters`) as JSONSchema7),
    ...(description !== undefined && { description }),
    ...(strict !== undefined && { strict }),
    ...(options && { providerOptions: options }),
  };
}

function toolChoiceOf(choice: unknown): LanguageModelV3ToolChoice | undefined {
  if (choice === undefined || choice === null) return undefined;
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { type: choice };
  const name = isMembers(choice) && isMembers(choice.function) ? choice.function.name : undefined;
  if (typeof name !== 'string')
    throw wrong('tool_choice', "'auto', 'none', 'required' or the name of a function");
  return { type: 'tool', toolName: name };
}

function readFormat(body: Members, options: LanguageModelV3CallOptions, { takes }: BodyReading): void {
  const { response_format: format } = body;
  if (format === undefined || format === null) return;
  const { type, json_schema: described } = objectAt(format, 'response_format');
  if (type === 'text') return;
  if (type === 'json_object') {
    if (takes('jsonObject', 'response_format')) options.responseFormat = { type: 'json' };
    return;
  }
  if (type !== 'json_schema') throw wrong('response_format.type', "'text', 'json_object' or 'json_schema'");
  if (!takes('jsonSchema', 'response_format')) return;
  const at = 'response_format.json_schema';
  const { name, description, schema } = objectAt(described, at);
  options.responseFormat = {
    type: 'json',
    schema: objectAt(schema, `${at}.schema`) as JSONSchema7,
    ...(typeof name === 'string' && { name }),
    ...(typeof description === 'string' && { description }),
  };
}

/** Further members, each with the feature that it asks for, and whether its value asks for it. */
const FEATURES: readonly (readonly [string, Feature, (value: unknown) => boolean])[] = [
  ['n', 'severalAnswers', (value) => value !== 1],
  ['logprobs', 'logprobs', (value) => value !== false],
  ['top_logprobs', 'logprobs', (value) => value !== 0],
  ['logit_bias', 'logitBias', (value) => !isMembers(value) || Object.keys(value).length > 0],
  ['modalities', 'audioOutput', (value) => !(Array.isArray(value) && value.every((one) => one === 'text'))],
  ['audio', 'audioOutput', () => true],
  ['store', 'storing', (value) => value !== false],
  ['verbosity', 'verbosity', () => true],
  ['prediction', 'prediction', () => true],
  ['functions', 'functions', () => true],
  ['function_call', 'functions', () => true],
  ['web_search_options', 'webSearch', () => true],
];

/** Refuses members without a translation, unless they ask for nothing. */
function refuseOthers(body: Members, { takes }: BodyReading): void {
  for (const [name, feature, asks] of FEATURES) {
    const value = body[name];
    if (value !== undefined && value !== null && asks(value)) takes(feature, name);
  }
}

const BUDGET_TYPES: ReadonlySet<unknown> = new Set(['enabled', 'adaptive', 'disabled']);

function reasoningOf({ thinking, reasoning_effort: effort, reasoning }: Members): Reasoning | undefined {
  if (thinking !== undefined && thinking !== null) {
    const { type, budget_tokens: budget } = objectAt(thinking, 'thinking');
    if (!BUDGET_TYPES.has(type)) throw wrong('thinking.type', "'enabled', 'adaptive' or 'disabled'");
    const budgetTokens = optionalNumber(budget, 'thinking.budget_tokens');
    return {
      param: 'thinking',
      ...(type === 'disabled' && { isOff: true as const }),
      ...(type === 'adaptive' && { isAdaptive: true as const }),
      ...(budgetTokens !== undefined && { budgetTokens }),
      ...(typeof effort === 'string' && { effort }),
    };
  }
  const word = effort ?? (isMembers(reasoning) ? reasoning.effort : undefined);
  if (word === undefined || word === null) return undefined;
  const param = effort === undefined || effort === null ? 'reasoning.effort' : 'reasoning_effort';
  const text = textAt(word, param);
  return text === 'none' ? { param, isOff: true } : { param, effort: text };
}

function endUserOf({ user, metadata, safety_identifier: safety }: Members): string | undefined {
  const id = user ?? (isMembers(metadata) ? metadata.user_id : undefined) ?? safety;
  return typeof id === 'string' && id ? id : undefined;
}
