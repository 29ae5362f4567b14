import type { CallType } from './call-type.js';
import { embedding, embeddingUsage } from './embedding.js';

export const moderation: CallType = {
  ...embedding,
  callType: 'moderation',
  path: '/moderations',
  // Most moderations report no usage and cost nothing.
  usage: (response, { price }) =>
    embeddingUsage(response?.usage) ?? (price?.input ? undefined : { inputTokens: 0, outputTokens: 0 }),
  mock: {
    whole: ({ id, model }) => ({
      id,
      model,
      results: [{ flagged: false, categories: {}, category_scores: {} }],
    }),
  },
};
