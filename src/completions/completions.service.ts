import {
  BadRequestException,
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  ServiceUnavailableException,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Server } from 'node:http';
import { AccessDenied } from '../access/access-denied.js';
import type { Access } from '../access/access.js';
import { FactsLoader } from '../access/facts.loader.js';
import { GATE_MEMBERS, type LlmRequest } from '../access/llm-request.js';
import { Standings } from '../access/standings.js';
import { CONFIG, type Config } from '../config/config.js';
import { editedForm } from '../http/form-scanner.js';
import { editedObject } from '../http/json-scanner.js';
import type { CallKind } from '../kinds/call-kind.js';
import { RateLimits, type SlotsTaken } from '../limits/rate-limits.js';
import { Meters } from '../metrics/meters.js';
import { Catalogue } from '../models/catalogue.service.js';
import { speaks } from '../config/providers.js';
import { type Deployment, pathAt } from '../models/deployment.js';
import { DeploymentHealth } from '../models/deployment-health.js';
import { type CallSize, mayCount, tokenBound } from '../policy/bound.js';
import { conclude, decide } from '../policy/decide.js';
import type { Denial } from '../policy/decision.js';
import type { ModelFacts } from '../policy/facts.js';
import { ZERO_NANO_USD } from '../policy/money.js';
import { outputTokensFor, type Wish } from '../policy/wish.js';
import { type Hold, nothingHeld, SpendService } from '../spend/spend.service.js';
import type { BillingChain } from '../spend/chain.js';
import { carried, Traced } from '../tracing/traced.js';
import { Attempt, type Call, type OutputTokens } from './call.js';
import { AnswerGatherer, failExchange, finishJson } from './json-exchange.js';
import { answerMock } from './mock-upstream.js';
import { Load } from './load.js';
import { viaFor } from './loop.js';
import { SseExchange } from './sse-exchange.js';
import { ClientGone, UpstreamError } from './upstream-error.js';
import { type UpstreamCall, type UpstreamRequest, Upstreams, type UpstreamSink } from './upstreams.js';

const MAX_DRAIN_MS = 30_000;
const IDLE_SWEEP_MS = 100;
const MAX_HOLD_TRIES = 5;

/** Hold, call, settle: the walk of a call whose caller was let in. */
@Injectable()
export class CompletionsService implements BeforeApplicationShutdown {
  private draining = false;

  constructor(
    private readonly spend: SpendService,
    private readonly rateLimits: RateLimits,
    private readonly load: Load,
    private readonly meters: Meters,
    private readonly catalogue: Catalogue,
    private readonly health: DeploymentHealth,
    private readonly upstreams: Upstreams,
    private readonly loader: FactsLoader,
    private readonly standings: Standings,
    private readonly adapterHost: HttpAdapterHost,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Answers the call on the raw reply. Throws what the client is to be told when nothing was sent yet. */
  complete(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { access } = request;
    if (this.draining)
      throw new ServiceUnavailableException({ message: 'The gateway is shutting down. Try again.' });
    // They were let in side by side, so each is asked again.
    const overload = this.load.overload();
    if (overload) throw overload;
    const via = viaFor(request.headers.via);
    const taken = this.rateLimits.take(access!.rates ?? [], access!.facts.request!.model!.boundTokens);
    const walk =
      taken instanceof Promise
        ? taken.then((slots) => this.walk(request, reply, via, slots))
        : this.walk(request, reply, via, taken);
    this.load.calls.add(walk);
    return walk.finally(() => this.load.calls.delete(walk));
  }

  private async walk(
    { access, id: requestId }: FastifyRequest,
    reply: FastifyReply,
    via: string,
    taken: SlotsTaken,
  ): Promise<void> {
    if ('denials' in taken) throw await this.refusedByRates(access!, taken.denials);
    const { slots } = taken;
    const call: Call = {
      requestId,
      access: access!,
      llm: access!.llm!,
      via,
      slots,
      sent: false,
      usedTokens: 0,
      reply,
      startedAt: performance.now(),
    };
    try {
      await this.tryTargets(call);
      slots.settle(call.usedTokens);
    } catch (error) {
      // What never went out, refused the money or not, took no place in the rate limits.
      if (call.sent) slots.settle(call.usedTokens);
      else slots.giveBack();
      throw error;
    }
  }

  /** A full rate limit, or what else is in the way by now: a permanent objection comes before it. */
  private async refusedByRates(access: Access, denials: readonly Denial[]): Promise<AccessDenied> {
    const refusal =
      (this.rateLimits.areInMemory ? undefined : await access.explained()) ??
      conclude([{ check: 'rateLimitsHaveRoom', enforcer: 'hold', denials }]).refusal!;
    this.meters.refused.inc({ check: refusal.check });
    return new AccessDenied(refusal, this.config.general.budgetExceededStatus);
  }

  /** No new connections, no new calls; those under way finish and are settled. */
  async beforeApplicationShutdown(): Promise<void> {
    this.draining = true;
    const server = this.adapterHost.httpAdapter.getHttpServer() as Server;
    server.close();
    // Whoever asks again on a connection that is open already is told to open another, elsewhere.
    server.prependListener('request', (_, response) => response.setHeader('connection', 'close'));
    // A connection that falls idle only now would keep the server open until its client lets go.
    setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS).unref();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => {
      timer = setTimeout(resolve, MAX_DRAIN_MS);
    });
    await Promise.race([Promise.allSettled(this.load.calls), patience]);
    clearTimeout(timer);
    await this.spend.drained(MAX_DRAIN_MS);
  }

  /** The model, then its fallbacks; of each every deployment once, and its retries. One hold per attempt, passed on to the next. */
  private async tryTargets(call: Call): Promise<void> {
    let failed: UpstreamError | undefined;
    let last: Attempt | undefined;
    try {
      for (const target of this.targets(call)) {
        const model = this.atPresentPrice(target, call);
        for (const deployment of this.attempts(model, call.llm.kind)) {
          const attempt = await this.hold(call, model, deployment, last).catch((error: unknown) => {
            // A fallback that does not fit any more is no reason to hide why the first choice failed.
            if (failed && error instanceof AccessDenied) return undefined;
            throw error;
          });
          if (!attempt) break;
          last = attempt;
          try {
            await this.make(attempt);
            return this.health.answered(deployment.id);
          } catch (error) {
            if (!(error instanceof UpstreamError) || call.reply.raw.destroyed) throw error;
            // What is the client's own mistake was answered well.
            if (!error.mayTryAgain) {
              this.health.answered(deployment.id);
              throw error;
            }
            this.health.failed(deployment.id, error.getStatus());
            failed = error;
          }
        }
      }
    } finally {
      await last?.close();
    }
    if (failed) throw failed;
    const { model } = call.access.facts.request!;
    throw this.catalogue.current().resolve(model!.name).length
      ? notSpoken(call)
      : new UpstreamError(503, 'No deployment serves this model.', false);
  }

  /** What may be called for this request: the model that was checked, and fallbacks that pass the same checks now. */
  private *targets({ access, llm }: Call): Generator<ModelFacts> {
    const { facts, caller } = access;
    const { model } = facts.request!;
    yield model!;
    const { litellm, router } = this.config;
    const configured = [model!.requested, model!.name].flatMap(
      (name) => litellm.fallbacks[name] ?? router.fallbacks[name] ?? [],
    );
    const named = [llm.fallbacks, configured, litellm.defaultFallbacks].find(({ length }) => length) ?? [];
    for (const name of new Set(named)) {
      if (name === model!.requested) continue;
      const fallback = this.loader.modelFacts(name, llm, caller!);
      if (this.checked(fallback, access).allowed) yield fallback;
    }
  }

  /** Prices may have changed since the guard asked: what is held must pay for the deployments called. Throws as the guard would. */
  private atPresentPrice(model: ModelFacts, { access, llm }: Call): ModelFacts {
    const catalogue = this.catalogue.current();
    const unchanged = model.wish
      ? model.wish.ceiling === catalogue.ceilingOf(model.name)
      : model.price === catalogue.priceOf(model.name);
    if (unchanged) return model;
    const repriced = this.loader.modelFacts(model.requested, llm, access.caller!);
    const { refusal } = this.checked(repriced, access);
    if (refusal) throw new AccessDenied(refusal, this.config.general.budgetExceededStatus);
    return repriced;
  }

  /** What every check but those of budgets and rates says to this model: these are asked when they are taken from. */
  private checked(model: ModelFacts, { facts }: Access) {
    const { trace } = decide({ ...facts, request: { ...facts.request!, model, fallbacks: [] } });
    return conclude(trace.filter(({ budgets, rates }) => !budgets && !rates));
  }

  private *attempts(model: ModelFacts, kind: CallKind): Generator<Deployment> {
    const deployments = this.catalogue.pick(model.name).filter((deployment) => answers(deployment, kind));
    const retries = Math.max(
      deployments.length - 1,
      deployments[0]?.maxRetries ?? this.config.router.numRetries ?? this.config.litellm.numRetries,
    );
    for (let i = 0; deployments.length && i <= retries; i++) yield deployments[i % deployments.length]!;
  }

  /** Sets the money aside and asks once more whether the caller may: both before the first byte goes upstream. */
  private async hold(
    call: Call,
    model: ModelFacts,
    deployment: Deployment,
    last: Attempt | undefined,
  ): Promise<Attempt> {
    for (let tries = 1; tries <= MAX_HOLD_TRIES; tries++) {
      const attempt = await this.tryToHold(call, model, deployment, last, tries === 1);
      if (attempt) return attempt;
      call.access = await call.access.refreshed();
      const { facts, llm, caller } = call.access;
      model =
        facts.request!.model!.requested === model.requested
          ? facts.request!.model!
          : this.loader.modelFacts(model.requested, llm!, caller!);
    }
    throw new ServiceUnavailableException({ message: 'The caller’s limits are changing. Try again.' });
  }

  /** Undefined when what is known of the caller is old. */
  private async tryToHold(
    call: Call,
    model: ModelFacts,
    deployment: Deployment,
    last: Attempt | undefined,
    isFirst: boolean,
  ): Promise<Attempt | undefined> {
    const { access, requestId } = call;
    const llm = access.llm!;
    const { wish = NOTHING_WISHED } = model;
    const known = model === access.facts.request!.model ? access.standing : undefined;
    const standing =
      known && this.standings.isOpen(known) ? known : await this.standings.of(access.caller!, llm, model);
    if (llm.size.isFree) return this.attemptForNothing(call, deployment, standing.chain);
    const taken = await this.spend.hold({
      chain: standing.chain,
      madeOf: standing.madeOf,
      watched: standing.watched,
      countable: isFirst && mayCount(llm.size),
      budgets: model.wish ? standing.budgets : [],
      wish,
      inputBoundNanoUsd: wish.inputNanoUsd,
      instead: last?.unbilled,
      requestId,
      tags: access.tags,
      callType: llm.kind.callType,
      model: model.name,
      deploymentId: deployment.id,
      provider: deployment.provider,
    });
    if ('outdated' in taken) return undefined;
    // A window closed, or an increase ended, while it waited: neither a yes nor a no of theirs counts now.
    if (!this.standings.isOpen(standing) && ('hold' in taken || isFirst)) {
      if ('hold' in taken) await this.spend.release(taken.hold);
      return undefined;
    }
    if ('denials' in taken) {
      this.meters.refused.inc({ check: 'budgetsHaveRoom' });
      const { refusal } = conclude([{ check: 'budgetsHaveRoom', enforcer: 'hold', denials: taken.denials }]);
      throw new AccessDenied(refusal!, this.config.general.budgetExceededStatus);
    }
    await access.recheck()?.catch((error: unknown) => this.giveBack(taken.hold, error));
    // Nobody is there any more, and nothing went out yet.
    if (call.reply.raw.destroyed) await this.giveBack(taken.hold, new ClientGone());
    return new Attempt(
      call,
      deployment,
      this.outputTokens(model, llm.size, taken.hold),
      taken.hold,
      this.spend,
      this.config.general.settleTimeoutMs,
    );
  }

  private async attemptForNothing(call: Call, deployment: Deployment, chain: BillingChain): Promise<Attempt> {
    await call.access.recheck();
    const { settleTimeoutMs } = this.config.general;
    return new Attempt(call, deployment, { atMost: 0 }, nothingHeld(chain), this.spend, settleTimeoutMs);
  }

  /** What this hold pays for: the client's own limits, or lower ones. */
  private outputTokens({ name, wish }: ModelFacts, size: CallSize, { boundNanoUsd }: Hold): OutputTokens {
    if (!wish) return { atMost: tokenBound(size, this.catalogue.current().limits(name)).outputTokens };
    const { tokens, wantedNanoUsd } = wish;
    if (boundNanoUsd >= wantedNanoUsd) return { atMost: tokens.outputTokens, toSet: tokens.outputLimitToSet };
    this.meters.clamped.inc();
    const clampedTo = outputTokensFor(boundNanoUsd, wish, size);
    return { atMost: clampedTo * size.copies * size.prompts, toSet: clampedTo, clampedTo };
  }

  private async giveBack(hold: Hold, error: unknown): Promise<never> {
    await this.spend.release(hold);
    throw error;
  }

  /** One call upstream, to its end: answered and settled, or an error that says whether to go on. */
  @Traced('upstream', { asked: whereTo })
  private make(attempt: Attempt): Promise<void> {
    const { call, deployment } = attempt;
    const startedAt = performance.now();
    call.sent = true;
    return new Promise<void>((resolve, reject) => {
      let gatherer: AnswerGatherer | undefined;
      let exchange: SseExchange | undefined;
      const sink: UpstreamSink = carried({
        start: (status, headers) => {
          const streams = status >= 200 && status <= 299 && isEventStream(headers['content-type']);
          if (streams)
            exchange = new SseExchange(
              attempt,
              headers,
              upstream,
              this.config.general.onDisconnect,
              startedAt,
            );
          else gatherer = new AnswerGatherer(status, headers, startedAt);
        },
        data: (chunk) => {
          if (exchange) exchange.data(chunk);
          else if (!gatherer!.data(chunk)) upstream.abort();
        },
        end: () => (exchange ? exchange.end() : finishJson(attempt, gatherer!.whole())).then(resolve, reject),
        fail: (failure) =>
          (exchange?.started ? exchange.fail(failure) : failExchange(attempt, failure)).then(resolve, reject),
      });
      const upstream: UpstreamCall = deployment.mockResponse
        ? answerMock(call, deployment, sink)
        : this.upstreams.send(deployment, this.request(attempt), sink);
    });
  }

  private request(attempt: Attempt): UpstreamRequest {
    const { call, deployment } = attempt;
    const { kind, passedHeaders } = call.llm;
    const body = this.body(attempt);
    const headers: Record<string, string> = { ...deployment.headers, ...passedHeaders, via: call.via };
    if (!Buffer.isBuffer(body)) headers['content-length'] = String(lengthOf(body));
    return { path: pathAt(deployment, kind.path), headers, body };
  }

  /** The client's bytes, but for what must change: the model's name, the gate's own members, usage, an output limit. */
  private body({ call: { llm }, deployment, output }: Attempt): Buffer | readonly Buffer[] {
    const { kind, scanned, bytes, stream, wantsUsage } = llm;
    const edits = new Map<string, string | null>();
    const isForm = 'delimiter' in scanned!;
    if (llm.model !== deployment.upstreamName || !scanned!.members.has('model')) {
      const name = deployment.upstreamName;
      edits.set('model', isForm ? name : JSON.stringify(name));
    }
    for (const name of scanned!.members.keys()) if (GATE_MEMBERS.has(name)) edits.set(name, null);
    if (kind.asksForUsage && stream && !wantsUsage) edits.set('stream_options', '{"include_usage":true}');
    if (output.toSet !== undefined) {
      for (const name of limitMembers(llm, deployment)) edits.set(name, String(output.toSet));
    }
    if (!edits.size) return bytes;
    return isForm ? editedForm(bytes, scanned, edits) : editedObject(bytes, scanned!, edits);
  }
}

/** A mocked deployment answers what there is a mock of, any other what its provider's API has. */
const answers = ({ provider, mockResponse }: Deployment, { path, mock }: CallKind) =>
  mockResponse === undefined ? speaks(provider, path) : mock !== undefined;

const notSpoken = ({ llm }: Call) =>
  new BadRequestException({
    message: `The model '${llm.model}' does not answer at ${llm.kind.path}: its provider's API has no such route, and nothing is translated.`,
    param: 'model',
  });

const lengthOf = (pieces: readonly Buffer[]) => pieces.reduce((sum, { length }) => sum + length, 0);

/** Where an output limit stands: where the client put one, else where this provider looks for it. */
function limitMembers({ scanned, kind }: LlmRequest, { provider }: Deployment): readonly string[] {
  const named = kind.outputLimits.map(([name]) => name).filter((name) => scanned!.members.has(name));
  return named.length || !kind.outputLimitOf ? named : [kind.outputLimitOf(provider)];
}

const NOTHING_WISHED: Pick<Wish, 'wantedNanoUsd' | 'minimumNanoUsd' | 'fairNanoUsd' | 'inputNanoUsd'> = {
  wantedNanoUsd: ZERO_NANO_USD,
  minimumNanoUsd: ZERO_NANO_USD,
  fairNanoUsd: ZERO_NANO_USD,
  inputNanoUsd: ZERO_NANO_USD,
};

/** Of a call upstream, on its span. */
function whereTo({ deployment }: Attempt) {
  const { modelName, id, provider } = deployment;
  return { 'tollgate.model': modelName, 'tollgate.deployment': id, 'tollgate.provider': provider };
}

const isEventStream = (contentType: string | string[] | undefined) =>
  typeof contentType === 'string' && /^text\/event-stream/i.test(contentType);
