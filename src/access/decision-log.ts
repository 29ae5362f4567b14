import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import type { Clamp } from '../ledger/ledger-entry.entity.js';
import { jsonLine } from '../logs/logs.js';
import type { CallOrigin } from '../ledger/call-origin.js';
import type { Refusal } from '../policy/decision.js';
import type { CallAccess } from './call-access.js';
import type { LoadedFacts } from './facts.loader.js';

const FLUSH_AT_LINES = 256;
const FLUSH_AFTER_MS = 200;

/**
 * Log of decisions (`general_settings.decision_log`): one structured line each, written in batches, without prompts and
 * secrets. A call that the guards admit and the hold or a rate limit refuses has two lines. The second line has the
 * refusal. A call whose output limit a budget lowers has a line with the event `clamp`.
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
    loaded: LoadedFacts,
    refusal: Refusal | undefined,
    decisionMs?: number,
  ): void {
    const { decisionLog } = this.config.general;
    const allowed = !refusal;
    if (decisionLog === 'off' || (allowed && decisionLog === 'refusals')) return;
    this.write(
      jsonLine('log', 'decision', allowed ? 'allowed' : 'refused', {
        time: loaded.facts.now,
        event: 'decision',
        request_id: requestId,
        ...(clientAddress !== undefined && { client_address: clientAddress }),
        allowed,
        ...callFields(loaded),
        ...(refusal && { check: refusal.check, code: refusal.code, retryable: refusal.retryable }),
        ...(decisionMs !== undefined && { microseconds: Math.round(decisionMs * 1000) }),
      }),
    );
  }

  /** Logs that a budget lowered the output limit of a call. */
  recordClamp({ requestId, request, ...loaded }: CallAccess, { asked, sent }: Clamp): void {
    if (this.config.general.decisionLog === 'off') return;
    const { storableAddress } = request;
    this.write(
      jsonLine('log', 'decision', 'clamped', {
        event: 'clamp',
        request_id: requestId,
        ...(storableAddress !== undefined && { client_address: storableAddress }),
        ...callFields(loaded),
        asked_output_tokens: asked,
        sent_output_tokens: sent,
      }),
    );
  }

  private write(line: string): void {
    this.lines.push(line);
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

/** Returns the fields that name the call and its parties. */
const callFields = ({ facts, tags, llm }: Pick<LoadedFacts, 'facts' | 'tags' | 'llm'>) => ({
  route: facts.route.path,
  ...(facts.request?.model && { model: facts.request.model.requested }),
  scopes: Object.fromEntries(
    facts.parties.filter(({ kind }) => kind !== 'tag').map(({ kind, id }) => [kind, id]),
  ),
  ...(tags.length && { tags }),
  ...(llm?.origin && originOf(llm.origin)),
});
