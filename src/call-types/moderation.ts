import type { CallType } from './call-type.js';
import { embedding } from './embedding.js';
import { reportedUsage } from './reported-usage.js';

export const moderation: CallType = {
  ...embedding,
  callType: 'moderation',
  path: '/moderations',
  // Most moderations report no usage and cost nothing.
  usage: (response, { price }) =>
    reportedUsage(response?.usage) ?? (price?.input ? undefined : { inputTokens: 0, outputTokens: 0 }),
  mock: {
    whole: ({ id, model }) => ({
      id,
      model,
      results: [{ flagged: false, categories: {}, category_scores: {} }],
    }),
  },
};
