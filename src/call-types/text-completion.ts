import type { CallSize } from '../policy/bound.js';
import type { CallBody } from './call-body.js';
import { type CallType, type OutputLimits, UNLIMITED } from './call-type.js';
import { chatCompletion } from './chat-completion.js';
import { completionSize } from './completion-size.js';
import { mockedChunks, openaiUsage } from './openai-stream.js';

/** The minimum is 0, because a call that only echoes its prompt generates nothing. */
const OUTPUT_LIMITS: OutputLimits = [['max_tokens', 0, UNLIMITED]];

export const textCompletion: CallType = {
  ...chatCompletion,
  callType: 'text_completion',
  path: '/completions',
  size: completionsSize,
  limitMember: () => 'max_tokens',
  mock: {
    whole: ({ id, created, model, text, ...counts }) => ({
      id,
      created,
      model,
      object: 'text_completion',
      choices: [{ index: 0, text, finish_reason: 'stop', logprobs: null }],
      usage: openaiUsage(counts),
    }),
    events: (mock) => mockedChunks(mock, 'text_completion', (text = '') => ({ text })),
  },
};

/** Returns the size of a text completion. vLLM accepts embedded prompts beside texts and answers each. */
function completionsSize(body: CallBody): CallSize {
  const embedded = (body.value('prompt_embeds') ?? null) === null ? 0 : body.countPrompts('prompt_embeds');
  if (!embedded) return completionSize(body, OUTPUT_LIMITS, body.countPrompts('prompt'));
  const texts = (body.value('prompt') ?? null) === null ? 0 : body.countPrompts('prompt');
  const { images: _, ...size } = completionSize(body, OUTPUT_LIMITS, embedded + texts);
  return { ...size, hasMedia: true };
}
