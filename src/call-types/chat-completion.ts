import { type CallType, type OutputLimits, UNLIMITED } from './call-type.js';
import { completionSize } from './completion-size.js';
import { mockedChunks, openaiStream, openaiUsage } from './openai-stream.js';
import { reportedUsage } from './reported-usage.js';

const OUTPUT_LIMITS: OutputLimits = [
  ['max_tokens', 1, UNLIMITED],
  ['max_completion_tokens', 1, UNLIMITED],
];

export const chatCompletion: CallType = {
  callType: 'chat_completion',
  path: '/chat/completions',
  metadata: 'texts if stored',
  size: (body) => completionSize(body, OUTPUT_LIMITS),
  limitMember: (chatMember) => chatMember,
  streamsUsageOnRequest: true,
  usage: (response) => reportedUsage(response?.usage, response?.service_tier),
  writtenParts: (response) => (Array.isArray(response?.choices) ? response.choices : []),
  stream: openaiStream,
  mock: {
    whole: ({ id, created, model, text, ...counts }) => ({
      id,
      created,
      model,
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
      usage: openaiUsage(counts),
    }),
    events: (mock) =>
      mockedChunks(mock, 'chat.completion.chunk', (content) => ({
        delta: content === undefined ? {} : { content },
      })),
  },
};
