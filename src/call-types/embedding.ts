import type { CallType } from './call-type.js';
import { hasOwnTemplate } from './completion-size.js';
import { openaiStream, openaiUsage } from './openai-stream.js';
import { feeOf, withFee } from './fees.js';
import { reportedUsage } from './reported-usage.js';

export const embedding: CallType = {
  callType: 'embedding',
  path: '/embeddings',
  size: (body) => ({
    inputBytes: body.inputBytes,
    hasMedia: body.media.isAny || hasOwnTemplate(body),
    prompts: body.countPrompts('input'),
    ...withFee(feeOf(body)),
    copies: 1,
    generates: false,
    ...body.serviceTier,
  }),
  usage: (response) => reportedUsage(response?.usage, response?.service_tier),
  writtenParts: () => [],
  stream: openaiStream,
  mock: {
    whole: ({ model, inputTokens }) => ({
      object: 'list',
      model,
      data: [{ object: 'embedding', index: 0, embedding: [0, 0, 1] }],
      usage: openaiUsage({ inputTokens, outputTokens: 0 }),
    }),
  },
};
