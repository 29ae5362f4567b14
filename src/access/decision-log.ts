import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { jsonLine } from '../logs/logs.js';
import type { CallOrigin } from '../ledger/call-origin.js';
import type { Refusal } from '../policy/decision.js';
import type { LoadedFacts } from './facts.loader.js';

const FLUSH_AT_LINES = 256;
const FLUSH_AFTER_MS = 200;

/**
 * Log of decisions (`general_settings.decision_log`): one structured line each, written in batches, without prompts and
 * secrets. A call that the guards admit and the hold or a rate limit refuses has two lines. The second line has the
 * refusal.
 */
@Injectable()
export class DecisionLog implements OnApplicationShutdown {
  private lines: string[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** Logs a decision. `clientAddress` is undefined if it may not be stored. `refusal` is undefined if the request is allowed. `decisionMs` is set if the policy has just run. */
  record(
    requestId: string,
    clientAddress: string | undefined,
    { facts, tags, llm }: LoadedFacts,
    refusal: Refusal | undefined,
    decisionMs?: number,
  ): void {
    const { decisionLog } = this.config.general;
    const allowed = !refusal;
    if (decisionLog === 'off' || (allowed && decisionLog === 'refusals')) return;
    this.lines.push(
      jsonLine('log', 'decision', allowed ? 'allowed' : 'refused', {
        time: facts.now,
        event: 'decision',
        request_id: requestId,
        ...(clientAddress !== undefined && { client_address: clientAddress }),
        allowed,
        route: facts.route.path,
        ...(facts.request?.model && { model: facts.request.model.requested }),
        scopes: Object.fromEntries(
          facts.parties.filter(({ kind }) => kind !== 'tag').map(({ kind, id }) => [kind, id]),
        ),
        ...(tags.length && { tags }),
        ...(llm?.origin && originOf(llm.origin)),
        ...(refusal && { check: refusal.check, code: refusal.code, retryable: refusal.retryable }),
        ...(decisionMs !== undefined && { microseconds: Math.round(decisionMs * 1000) }),
      }),
    );
    if (this.lines.length >= FLUSH_AT_LINES) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), FLUSH_AFTER_MS).unref();
  }

  onApplicationShutdown(): void {
    this.flush();
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.lines.length) process.stdout.write(`${this.lines.join('\n')}\n`);
    this.lines = [];
  }
}

const originOf = ({ sessionId, traceId, userAgent, originator }: CallOrigin) => ({
  ...(sessionId !== undefined && { session_id: sessionId }),
  ...(traceId !== undefined && { trace_id: traceId }),
  ...(userAgent !== undefined && { user_agent: userAgent }),
  ...(originator !== undefined && { originator }),
});
