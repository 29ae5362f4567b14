import { v7 as uuidv7 } from 'uuid';
import { estimatedTokens } from '../../call-types/reported-usage.js';
import type { Attempt } from '../attempt.js';
import type { UpstreamCall, UpstreamSink } from './upstreams.js';

/** Responds with a deployment's `mock_response` instead of calling its upstream, in the shapes of a real response. */
export function respondWithMock({ llm, deployment }: Attempt, sink: UpstreamSink): UpstreamCall {
  let aborted = false;
  setImmediate(() => {
    if (aborted) return;
    const text = limited(deployment.mockResponse!, llm.size.outputTokens);
    const content = {
      id: `mock-${uuidv7()}`,
      created: Math.floor(Date.now() / 1000),
      model: deployment.upstreamName,
      text,
      inputTokens: estimatedTokens(llm.size.inputBytes),
      outputTokens: estimatedTokens(Buffer.byteLength(text)),
    };
    const { whole, events } = llm.kind.mock!;
    const streams = llm.stream && events !== undefined;
    sink.start(200, { 'content-type': streams ? 'text/event-stream' : 'application/json' });
    for (const chunk of streams ? events(content) : [JSON.stringify(whole(content))])
      sink.data(Buffer.from(chunk));
    sink.end();
  });
  return {
    abort: () => {
      aborted = true;
      sink.fail({ neverSent: true, timedOut: false, reason: 'aborted' });
    },
  };
}

const CHARS_PER_TOKEN = 4;

const limited = (text: string, tokens = Infinity) => text.slice(0, tokens * CHARS_PER_TOKEN);
