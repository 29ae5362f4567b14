import { JsonProblem } from '../http/json-scanner.js';
import type { CallSize } from '../policy/bound.js';
import type { CallBody } from './call-body.js';
import type { CallKind, OutputLimits } from './call-kind.js';
import { completionSize } from './completion-size.js';
import { isObject, reportedUsage } from './reported-usage.js';
import { openaiErrorEvent, typedStream } from './typed-stream.js';

const OUTPUT_LIMITS: OutputLimits = [['max_output_tokens', 1]];
/** What the provider holds and puts before the prompt: its tokens do not show in the bytes. */
const HELD_BY_PROVIDER = ['previous_response_id', 'conversation'];

/** OpenAI's Responses. Answers are not kept here: there is no GET of one, and none that is made in the background. */
export const responses: CallKind = {
  callType: 'responses',
  path: '/responses',
  size: responsesSize,
  outputLimits: OUTPUT_LIMITS,
  outputLimitOf: () => 'max_output_tokens',
  usage: (answer) => reportedUsage(answer?.usage, answer?.service_tier),
  made: (answer) => (Array.isArray(answer?.output) ? answer.output : []),
  stream: typedStream(
    ['response.completed', 'response.incomplete', 'response.failed'],
    ({ response }) => {
      const { usage, service_tier } = isObject(response) ? response : {};
      const used = reportedUsage(usage, service_tier);
      return used ? { usage: used, ends: true } : { ends: true };
    },
    ['delta'],
    openaiErrorEvent,
  ),
  mock: {
    whole: ({ id, created, model, text, inputTokens, outputTokens }) => ({
      id,
      object: 'response',
      created_at: created,
      status: 'completed',
      model,
      output: [
        {
          id: `msg_${id}`,
          type: 'message',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text, annotations: [] }],
        },
      ],
      usage: {
        input_tokens: inputTokens,
        output_tokens: outputTokens,
        total_tokens: inputTokens + outputTokens,
      },
    }),
  },
};

function responsesSize(body: CallBody): CallSize {
  if (body.flag('background'))
    throw new JsonProblem(
      'Responses in the background are not served here: nobody would hear what they used.',
      'background',
    );
  const size = completionSize(body, OUTPUT_LIMITS);
  return {
    ...size,
    copies: 1,
    hasMedia: size.hasMedia || HELD_BY_PROVIDER.some((name) => (body.value(name) ?? null) !== null),
    // A stored prompt may bring tools of its own.
    hasFees: size.hasFees || isObject(body.value('prompt')),
  };
}
