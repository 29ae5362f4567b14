import type { CallType } from './call-type.js';
import { embedding } from './embedding.js';
import { reportedUsage } from './reported-usage.js';

export const moderation: CallType = {
  ...embedding,
  callType: 'moderation',
  path: '/moderations',
  // Most say nothing, and cost nothing.
  usage: (answer, { price }) =>
    reportedUsage(answer?.usage) ?? (price?.input ? undefined : { inputTokens: 0, outputTokens: 0 }),
  mock: {
    whole: ({ id, model }) => ({
      id,
      model,
      results: [{ flagged: false, categories: {}, category_scores: {} }],
    }),
  },
};
