import type { CallType } from './call-type.js';
import { messages } from './messages.js';

/** How many tokens a message would have. Costs nothing; whoever may call the model may ask. */
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
  made: () => [],
  mock: { whole: ({ inputTokens }) => ({ input_tokens: inputTokens }) },
};
