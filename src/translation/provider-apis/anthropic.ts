import type { LanguageModelV3CallOptions } from '@ai-sdk/provider';
import { MalformedBodyError } from '../../body/json-scanner.js';
import { messages, surchargeIn, TOOL_PROMPT_TOKENS } from '../../call-types/messages.js';
import { withLaterSystemAsUser } from '../prompt-parts.js';
import type { Feature, ProviderApi, Reasoning, TargetModel, TranslatedCall } from '../translated-call.js';

const LACKS: ReadonlySet<Feature> = new Set<Feature>([
  'seed',
  'frequencyPenalty',
  'presencePenalty',
  'logitBias',
  'logprobs',
  'severalAnswers',
  'audioOutput',
  'storing',
  'verbosity',
  'prediction',
  'functions',
  'webSearch',
  'customTools',
]);

/** Anthropic's Messages API, at its maker and at clouds. */
export const anthropic: ProviderApi = {
  name: 'anthropic',
  wire: messages,
  lacks: LACKS,
  takesFile: (mediaType) =>
    mediaType.startsWith('image/') || mediaType === 'application/pdf' || mediaType === 'text/plain',
  prepare,
  hiddenTokens: TOOL_PROMPT_TOKENS,
  surchargeIn,
  async load() {
    const { AnthropicMessagesLanguageModel } = await import('@ai-sdk/anthropic/internal');
    return (target, call, fetch) =>
      new AnthropicMessagesLanguageModel(target.name, {
        provider: 'anthropic.messages',
        baseURL: 'http://upstream',
        headers: NO_HEADERS,
        fetch,
        transformRequestBody: (body) => finishedBody(body, call),
      });
  },
};

const NO_HEADERS = {};

/** Budgets of reasoning by LiteLLM's words, for models that know no words. */
const BUDGETS: Readonly<Record<string, number>> = {
  minimal: 1_024,
  low: 1_024,
  medium: 2_048,
  high: 4_096,
  xhigh: 8_192,
  max: 16_384,
};
/** Least budget that the API takes. */
const LEAST_BUDGET = 1_024;

/** Models that decide by themselves how much they reason, and take words for the effort. */
const ADAPTIVE =
  /claude-(?:(?:opus|sonnet|haiku)-(?:4-(?:[6-9]|\d{2})(?!\d)|[5-9](?!\d)|\d{2}(?!\d))|fable|mythos)/;

/** The words for an effort that such models take. */
const EFFORTS: ReadonlySet<string> = new Set(['low', 'medium', 'high', 'xhigh', 'max']);

type Thinking =
  | { readonly type: 'enabled'; readonly budgetTokens: number }
  | { readonly type: 'adaptive' }
  | { readonly type: 'disabled' };

function prepare(call: TranslatedCall, target: TargetModel, drops: boolean): void {
  const { options } = call;
  for (const name in call.ownMembers)
    if (OF_PACKAGE.has(name))
      throw new MalformedBodyError(
        `The ${name} has another place in this API: a message, or a member of its own.`,
        name,
      );
  options.prompt = withLaterSystemAsUser(options.prompt);
  const { thinking, effort } = thinkingOf(call, target, drops);
  if (thinking && thinking.type !== 'disabled') settleWithThinking(options, drops);
  const isAnyJson = options.responseFormat?.type === 'json' && !options.responseFormat.schema;
  if (isAnyJson)
    options.responseFormat = { type: 'json', schema: { type: 'object', additionalProperties: true } };
  const own: Record<string, string | boolean | object> = {};
  if (thinking) own.thinking = thinking;
  if (effort !== undefined) own.effort = effort;
  if (isAnyJson) own.structuredOutputMode = 'jsonTool';
  if (call.parallelToolCalls === false) own.disableParallelToolUse = true;
  // The arguments of a tool must not come before they are checked, as in calls that Anthropic's own clients send.
  if (call.stream && options.tools) own.toolStreaming = false;
  options.providerOptions = { anthropic: own as never };
  if (call.serviceTier !== undefined) call.ownMembers.service_tier = tierOf(call, drops);
}

/** Returns what the API reads of the caller's wish to reason. A budget is part of the output limit. */
function thinkingOf(
  { reasoning, options }: TranslatedCall,
  { name }: TargetModel,
  drops: boolean,
): { readonly thinking?: Thinking; readonly effort?: string } {
  if (!reasoning) return {};
  const { budgetTokens, effort, isAdaptive, isOff, param } = reasoning;
  if (isOff) return param === 'thinking' || ADAPTIVE.test(name) ? { thinking: { type: 'disabled' } } : {};
  const word = effort === 'minimal' ? 'low' : effort;
  if (isAdaptive || (budgetTokens === undefined && ADAPTIVE.test(name))) {
    if (word !== undefined && !EFFORTS.has(word)) throw unknownEffort(reasoning, effort!);
    return { thinking: { type: 'adaptive' }, ...(word !== undefined && { effort: word }) };
  }
  const budget = budgetTokens ?? BUDGETS[effort ?? 'medium'];
  if (budget === undefined) throw unknownEffort(reasoning, effort!);
  if (budgetTokens !== undefined) return { thinking: { type: 'enabled', budgetTokens } };
  const most = options.maxOutputTokens! - 1;
  if (most >= LEAST_BUDGET) return { thinking: { type: 'enabled', budgetTokens: Math.min(budget, most) } };
  if (drops) return {};
  throw new MalformedBodyError(
    `The model needs at least ${LEAST_BUDGET} tokens to reason, and the output limit of this call is ${options.maxOutputTokens}.`,
    reasoning.param,
  );
}

const unknownEffort = ({ param }: Reasoning, effort: string) =>
  new MalformedBodyError(`The ${param} '${effort}' is none that the model's provider has.`, param);

/** Settings that the API refuses beside reasoning. */
function settleWithThinking(options: LanguageModelV3CallOptions, drops: boolean): void {
  const refuse = (param: string, what: string) => {
    if (!drops)
      throw new MalformedBodyError(`The model's provider takes no ${what} while the model reasons.`, param);
  };
  if (options.temperature !== undefined && options.temperature !== 1) {
    refuse('temperature', 'other temperature than 1');
    delete options.temperature;
  }
  if (options.topK !== undefined) {
    refuse('top_k', 'top_k');
    delete options.topK;
  }
  if (options.toolChoice?.type === 'required' || options.toolChoice?.type === 'tool') {
    refuse('tool_choice', 'tool_choice that forces a tool');
    options.toolChoice = { type: 'auto' };
  }
}

const TIERS: Readonly<Record<string, string>> = {
  auto: 'auto',
  default: 'standard_only',
  standard_only: 'standard_only',
};

function tierOf({ serviceTier }: TranslatedCall, drops: boolean): string | undefined {
  const tier = TIERS[serviceTier!];
  if (tier === undefined && !drops)
    throw new MalformedBodyError(
      `The service_tier '${serviceTier}' is none that the model's provider has.`,
      'service_tier',
    );
  return tier;
}

/** Sets what the package drops, lowers or does not know: the limit is the one that was held. */
function finishedBody(body: Record<string, unknown>, call: TranslatedCall): Record<string, unknown> {
  const { options, ownMembers, endUser } = call;
  body.max_tokens = options.maxOutputTokens;
  if (options.temperature !== undefined) body.temperature = options.temperature;
  if (options.topP !== undefined) body.top_p = options.topP;
  if (options.topK !== undefined) body.top_k = options.topK;
  if (endUser !== undefined) body.metadata = { user_id: endUser };
  Object.assign(body, ownMembers);
  return body;
}

/** Members of the API that only the call's own meaning decides. */
const OF_PACKAGE: ReadonlySet<string> = new Set([
  'model', 'messages', 'system', 'max_tokens', 'stream', 'tools', 'tool_choice', 'thinking', 'metadata',
]); // prettier-ignore
