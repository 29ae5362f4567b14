import type { CallType, OutputLimits } from './call-type.js';
import { completionSize } from './completion-size.js';
import { mockedChunks, openaiStream, openaiUsage } from './openai-stream.js';
import { reportedUsage } from './reported-usage.js';

const OUTPUT_LIMITS: OutputLimits = [
  ['max_tokens', 1],
  ['max_completion_tokens', 1],
];

export const chatCompletion: CallType = {
  callType: 'chat_completion',
  path: '/chat/completions',
  size: (body) => completionSize(body, OUTPUT_LIMITS),
  limitMember: (chatMember) => chatMember,
  asksForUsage: true,
  usage: (answer) => reportedUsage(answer?.usage, answer?.service_tier),
  made: (answer) => (Array.isArray(answer?.choices) ? answer.choices : []),
  stream: openaiStream,
  mock: {
    whole: ({ id, created, model, text, ...used }) => ({
      id,
      created,
      model,
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
      usage: openaiUsage(used),
    }),
    events: (said) =>
      mockedChunks(said, 'chat.completion.chunk', (content) => ({
        delta: content === undefined ? {} : { content },
      })),
  },
};
