import type { CallType } from './call-type.js';
import { messages } from './messages.js';

/** Calls that count the tokens of a message. They are free; every caller of the model may make them. */
export const tokenCount: CallType = {
  ...messages,
  callType: 'token_count',
  path: '/messages/count_tokens',
  size: (body) => ({
    inputBytes: body.inputBytes,
    hasMedia: false,
    copies: 1,
    prompts: 1,
    generates: false,
    isFree: true,
  }),
  usage: () => ({ inputTokens: 0, outputTokens: 0 }),
  writtenParts: () => [],
  mock: { whole: ({ inputTokens }) => ({ input_tokens: inputTokens }) },
};
