import type { CallType } from './call-type.js';
import { responses } from './responses.js';

const { usage: _usage, metadata: _metadata, limitMember: _limit, webSearchCap: _cap, ...shared } = responses;

/** Calls that count the tokens of a response's input. They are free; every caller of the model may make them. */
export const responseInputCount: CallType = {
  ...shared,
  callType: 'token_count',
  path: '/responses/input_tokens',
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
  mock: { whole: ({ inputTokens }) => ({ object: 'response.input_tokens', input_tokens: inputTokens }) },
};
