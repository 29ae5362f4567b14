import type { CallKind, OutputLimits } from './call-kind.js';
import { chatCompletion } from './chat-completion.js';
import { completionSize } from './completion-size.js';
import { mockedChunks, openaiUsage } from './openai-stream.js';

/** One that only echoes its prompt writes nothing. */
const OUTPUT_LIMITS: OutputLimits = [['max_tokens', 0]];

export const textCompletion: CallKind = {
  ...chatCompletion,
  callType: 'text_completion',
  path: '/completions',
  size: (body) => completionSize(body, OUTPUT_LIMITS, body.promptsIn('prompt')),
  limitMember: () => 'max_tokens',
  mock: {
    whole: ({ id, created, model, text, ...used }) => ({
      id,
      created,
      model,
      object: 'text_completion',
      choices: [{ index: 0, text, finish_reason: 'stop', logprobs: null }],
      usage: openaiUsage(used),
    }),
    events: (said) => mockedChunks(said, 'text_completion', (text = '') => ({ text })),
  },
};
