import type { CallType } from './call-type.js';
import { hasOwnTemplate } from './completion-size.js';
import { openaiStream, openaiUsage } from './openai-stream.js';
import { feeOf, withFee } from './fees.js';
import { isObject, reportedCount, reportedUsage } from './reported-usage.js';
import type { Usage } from '../policy/price.js';

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
  usage: (response) => embeddingUsage(response?.usage, response?.service_tier),
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

/** Returns the usage of a response that writes nothing. A total alone is the prompt. */
export function embeddingUsage(usage: unknown, serviceTier?: unknown): Usage | undefined {
  const reported = reportedUsage(usage, serviceTier);
  if (reported || !isObject(usage) || (usage.prompt_tokens ?? usage.input_tokens ?? null) !== null)
    return reported;
  const inputTokens = reportedCount(usage.total_tokens);
  return inputTokens === undefined ? undefined : { inputTokens, outputTokens: 0 };
}
