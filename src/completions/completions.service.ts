import { BadRequestException, Inject, Injectable, ServiceUnavailableException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AccessDenied } from '../access/access-denied.js';
import type { CallAccess } from '../access/call-access.js';
import { CallAuthorizer } from '../access/call-authorizer.js';
import { CalledNames } from '../access/called-names.js';
import { isProvisional, Standings } from '../access/standings.js';
import { CONFIG, type Config } from '../config/config.js';
import { limitsFor, RateLimits, type SlotsTaken } from '../limits/rate-limits.js';
import { Meters } from '../metrics/meters.js';
import { Catalogue } from '../models/catalogue.service.js';
import type { Deployment } from '../models/deployment.js';
import { DeploymentHealth } from '../models/deployment-health.js';
import { mayCount } from '../policy/bound.js';
import { forNow } from '../policy/checks/budgets-have-room.js';
import { conclude } from '../policy/decide.js';
import type { Denial } from '../policy/decision.js';
import { areSameLevels } from '../policy/group-levels.js';
import type { ModelFacts } from '../policy/facts.js';
import { ZERO_NANO_USD } from '../policy/money.js';
import type { Wish } from '../policy/wish.js';
import { type Hold, nothingHeld, SpendService } from '../spend/spend.service.js';
import type { BillingChain } from '../spend/chain.js';
import { carried, Traced } from '../tracing/traced.js';
import { CLAMPED_HEADER } from './answer-headers.js';
import { Attempt, type Call, type OutputTokens } from './call.js';
import { Drain } from './drain.js';
import { AnswerGatherer, failExchange, finishJson } from './json-exchange.js';
import { answerMock } from './mock-upstream.js';
import { Load } from './load.js';
import { heldOutput, mayPassBound, planOutput } from './output-limit.js';
import { viaFor } from './via.js';
import { SseExchange } from './sse-exchange.js';
import type { Waiting } from './connection-queue.js';
import { Targets } from './targets.js';
import { ClientGone, UpstreamBusyError, UpstreamError } from './upstream-error.js';
import { upstreamRequest } from './upstream-request.js';
import { type UpstreamCall, type UpstreamRequest, Upstreams, type UpstreamSink } from './upstreams.js';

const MAX_HOLD_TRIES = 5;
/** Who waits longer for a connection is counted. */
const SLOW_SECONDS = 1;

/** What came of the attempts so far: the last of them, and why the last that failed did. */
interface Tries {
  last?: Attempt;
  failed?: UpstreamError | UpstreamBusyError;
  /** An origin that had no connection free in time: it is not waited for twice. */
  busyOrigin?: string;
  /** Rate limits for which a fallback was passed over. */
  full?: readonly Denial[];
}

/** Hold, call, settle: the walk of a call whose caller was let in. */
@Injectable()
export class CompletionsService {
  /** Deployments that answered they do not know `stream_options`, until the catalogue is read again. */
  private readonly refuseStreamOptions = new WeakSet<Deployment>();

  constructor(
    private readonly spend: SpendService,
    private readonly authorizer: CallAuthorizer,
    private readonly calledNames: CalledNames,
    private readonly rateLimits: RateLimits,
    private readonly load: Load,
    private readonly meters: Meters,
    private readonly drain: Drain,
    private readonly catalogue: Catalogue,
    private readonly targets: Targets,
    private readonly health: DeploymentHealth,
    private readonly upstreams: Upstreams,
    private readonly standings: Standings,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Answers the call on the raw reply. Throws what the client is to be told when nothing was sent yet. */
  complete(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { access } = request;
    if (this.drain.isUnderWay)
      throw new ServiceUnavailableException({ message: 'The gateway is shutting down. Try again.' });
    // Calls that were let in side by side are each asked again.
    const overload = this.load.overload();
    if (overload) throw overload;
    const via = viaFor(request.headers.via);
    const recorded = this.calledNames.record(access!);
    const walk = recorded
      ? recorded.then((newer) => this.start(newer, request.id, reply, via))
      : this.start(access!, request.id, reply, via);
    this.load.calls.add(walk);
    return walk.finally(() => this.load.calls.delete(walk));
  }

  /** Takes a place in the rate limits, then walks. */
  private start(access: CallAccess, requestId: string, reply: FastifyReply, via: string): Promise<void> {
    const taken = this.rateLimits.take(access.rates ?? [], access.facts.request!.model!.boundTokens);
    return taken instanceof Promise
      ? taken.then((slots) => this.walk(access, requestId, reply, via, slots))
      : this.walk(access, requestId, reply, via, taken);
  }

  private async walk(
    access: CallAccess,
    requestId: string,
    reply: FastifyReply,
    via: string,
    taken: SlotsTaken,
  ): Promise<void> {
    if ('denials' in taken) throw (await this.refusedByRates(access, taken.denials)).told();
    const { slots } = taken;
    const call: Call = {
      requestId,
      access,
      llm: access.llm!,
      via,
      limits: access.rates ?? [],
      slots,
      sent: 0,
      usedTokens: 0,
      tokensOfOtherModels: 0,
      reply,
      startedAt: performance.now(),
    };
    const end = () => slots.end(call.usedTokens, call.usedTokens - call.tokensOfOtherModels);
    try {
      await this.tryTargets(call);
      end();
    } catch (error) {
      if (error instanceof AccessDenied) error.told();
      if (call.clampedTo !== undefined) reply.header(CLAMPED_HEADER, String(call.clampedTo));
      // What never went out, refused the money or not, took no place in the rate limits.
      if (call.sent) end();
      else slots.giveBack();
      throw error;
    }
  }

  /** A full rate limit, or what else is in the way by now: a permanent objection comes before it. */
  private async refusedByRates(access: CallAccess, denials: readonly Denial[]): Promise<AccessDenied> {
    const refusal =
      (this.rateLimits.areInMemory ? undefined : await this.authorizer.explain(access)) ??
      conclude([{ check: 'rateLimitsHaveRoom', enforcer: 'hold', denials }]).refusal!;
    return this.authorizer.exceptionFor(access, refusal);
  }

  /** The model, then its fallbacks. One hold per attempt, passed on to the next. */
  private async tryTargets(call: Call): Promise<void> {
    const tries: Tries = {};
    let isFallback = false;
    try {
      for (const target of this.targets.of(call)) {
        const model = this.targets.atPresentPrice(target, call);
        const answered = isFallback
          ? this.tryFallback(call, model, tries)
          : this.tryModel(call, model, tries);
        if (await answered) return;
        isFallback = true;
      }
    } finally {
      await tries.last?.close();
    }
    if (tries.failed) throw tries.failed;
    if (tries.full) throw await this.refusedByRates(call.access, tries.full);
    const { model } = call.access.facts.request!;
    throw this.catalogue.current().resolve(model!.name, model!.within).length
      ? notSpoken(call)
      : new UpstreamError(503, 'No deployment serves this model.', false);
  }

  /** In the rate limits of its own model a fallback takes a place of its own; where one is full it is passed over. */
  private async tryFallback(call: Call, model: ModelFacts, tries: Tries): Promise<boolean> {
    const { limits: taken, access } = call;
    const limits = limitsFor(access.standing!.rates, model);
    const further = limits.filter(({ key }) => !taken.some((limit) => limit.key === key));
    const place = await this.rateLimits.take(further, model.boundTokens);
    if ('denials' in place) {
      tries.full = place.denials;
      return false;
    }
    const { sent, usedTokens } = call;
    try {
      return await this.tryModel(call, model, tries);
    } finally {
      const used = call.usedTokens - usedTokens;
      // Another name of the same model counts on what the call took for the first.
      const countsOnFirst = taken.some(
        (limit) => limit.model !== undefined && limitsFor([limit], model).length,
      );
      if (!countsOnFirst) call.tokensOfOtherModels += used;
      if (call.sent > sent) place.slots.end(used);
      else place.slots.giveBack();
    }
  }

  /** Every deployment of a model once, and its retries. False when none of them answered, and something else may. */
  private async tryModel(call: Call, model: ModelFacts, tries: Tries): Promise<boolean> {
    for (const deployment of this.targets.deployments(model, call.llm.kind)) {
      if (deployment.origin === tries.busyOrigin) continue;
      const outcome = await this.tryDeployment(call, model, deployment, tries);
      if (outcome !== 'failed') return outcome === 'answered';
    }
    return false;
  }

  /** Calls one deployment; once more where it refuses to be asked for a stream's usage. */
  private async tryDeployment(
    call: Call,
    model: ModelFacts,
    deployment: Deployment,
    tries: Tries,
  ): Promise<'answered' | 'failed' | 'notHeld'> {
    const attempt = await this.hold(call, model, deployment, tries.last).catch((error: unknown) => {
      // A fallback that does not fit (any more) is no reason to hide why the first choice failed.
      const isRefused = error instanceof AccessDenied || error instanceof BadRequestException;
      if (tries.failed && isRefused) return undefined;
      throw error;
    });
    if (!attempt) return 'notHeld';
    tries.last = attempt;
    call.clampedTo = attempt.output.clampedTo;
    try {
      const waiting = deployment.mockResponse ? undefined : this.upstreams.take(deployment);
      if (waiting) await this.waitFor(waiting, attempt, model);
      await this.make(attempt);
      this.health.answered(deployment.id);
      return 'answered';
    } catch (error) {
      if (error instanceof UpstreamBusyError) {
        tries.failed = error;
        tries.busyOrigin = deployment.origin;
        return 'failed';
      }
      if (!(error instanceof UpstreamError) || call.reply.raw.destroyed) throw error;
      if (error.refusesStreamOptions && attempt.asksForUsage) {
        this.refuseStreamOptions.add(deployment);
        tries.failed = error;
        return this.tryDeployment(call, model, deployment, tries);
      }
      // What is the client's own mistake was answered well.
      if (!error.mayTryAgain) {
        this.health.answered(deployment.id);
        throw error;
      }
      this.health.failed(deployment.id, error.getStatus());
      tries.failed = error;
      return 'failed';
    }
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
      const now = await this.authorizer.refresh(call.access, model.requested);
      call.access = (await this.calledNames.record(now.access)) ?? now.access;
      if (now.model.name !== model.name || !areSameLevels(now.model.within, model.within)) break;
      model = now.model;
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
    if (llm.size.isFree) return this.attemptForNothing(call, model, deployment, standing.chain);
    // The row of its end user went away meanwhile.
    if (isProvisional(standing)) return undefined;
    const budgets = model.wish ? standing.budgets : [];
    const plan =
      model.wish && planOutput(llm, deployment, model.wish, budgets.length > 0, this.config.general);
    const taken = await this.spend.hold({
      chain: standing.chain,
      madeOf: standing.rowRevisions,
      watched: standing.watched,
      countable: isFirst && mayCount(llm.size),
      budgets,
      wish,
      mayBePassed: plan !== undefined && mayPassBound(plan),
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
      const denials = taken.denials.map((denial) => forNow(denial, wish));
      const { refusal } = conclude([{ check: 'budgetsHaveRoom', enforcer: 'hold', denials }]);
      throw this.authorizer.exceptionFor(access, refusal!);
    }
    await this.authorizer.recheck(access, model)?.catch((error: unknown) => this.giveBack(taken.hold, error));
    // Nobody is there any more, and nothing went out yet.
    if (call.reply.raw.destroyed) await this.giveBack(taken.hold, new ClientGone());
    const output = plan ? heldOutput(plan, llm, model.wish!, taken.hold.boundNanoUsd) : UNLIMITED;
    if (output.clampedTo !== undefined) this.meters.clamped.inc();
    return this.attempt(call, deployment, output, taken.hold);
  }

  private attempt(call: Call, deployment: Deployment, output: OutputTokens, hold: Hold): Attempt {
    const { kind, stream, wantsUsage } = call.llm;
    const asksForUsage =
      kind.asksForUsage === true &&
      stream &&
      !wantsUsage &&
      deployment.takesStreamOptions &&
      !this.refuseStreamOptions.has(deployment);
    const { settleTimeoutMs } = this.config.general;
    return new Attempt(call, deployment, output, hold, asksForUsage, this.spend, settleTimeoutMs);
  }

  private async attemptForNothing(
    call: Call,
    model: ModelFacts,
    deployment: Deployment,
    chain: BillingChain,
  ): Promise<Attempt> {
    await this.authorizer.recheck(call.access, model);
    return this.attempt(call, deployment, { atMost: 0 }, nothingHeld(chain));
  }

  private requestFor(attempt: Attempt): UpstreamRequest {
    try {
      return upstreamRequest(attempt);
    } catch (error) {
      this.upstreams.giveBack(attempt.deployment);
      throw error;
    }
  }

  private async giveBack(hold: Hold, error: unknown): Promise<never> {
    await this.spend.release(hold);
    throw error;
  }

  /**
   * Waits for a connection, and asks once more whether the caller may: time passed since the hold. Throws when there is
   * none in time, when the caller may not any more, or is gone; nothing was sent then.
   */
  private async waitFor(waiting: Waiting, attempt: Attempt, model: ModelFacts): Promise<void> {
    const { call, deployment } = attempt;
    const { raw } = call.reply;
    const since = performance.now();
    raw.once('close', waiting.leave);
    const isGiven = await waiting.given;
    raw.off('close', waiting.leave);
    const seconds = (performance.now() - since) / 1_000;
    this.meters.queueSeconds.observe(seconds);
    if (seconds > SLOW_SECONDS) this.meters.queuedLong.inc();
    try {
      if (raw.destroyed) throw new ClientGone();
      if (!isGiven) {
        this.meters.shed.inc({ reason: 'upstream_queue' });
        throw new UpstreamBusyError();
      }
      await this.authorizer.recheck(call.access, model);
      if (raw.destroyed) throw new ClientGone();
    } catch (error) {
      attempt.producedNothing();
      if (isGiven) this.upstreams.giveBack(deployment);
      throw error;
    }
  }

  /** One call upstream, to its end: answered and settled, or an error that says whether to go on. */
  @Traced('upstream', { asked: whereTo })
  private make(attempt: Attempt): Promise<void> {
    const { call, deployment } = attempt;
    const startedAt = performance.now();
    call.sent++;
    return new Promise<void>((resolve, reject) => {
      let gatherer: AnswerGatherer | undefined;
      let exchange: SseExchange | undefined;
      let isOver = false;
      const endWith = (last: Promise<void>) => {
        isOver = true;
        last.then(resolve, reject);
      };
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
          if (isOver) return;
          if (exchange) exchange.data(chunk);
          else if (!gatherer!.data(chunk)) upstream.abort();
          // An upstream may say its last word and stay on the line.
          if (exchange?.isWhole) endWith(exchange.end());
        },
        end: () => {
          if (!isOver) endWith(exchange ? exchange.end() : finishJson(attempt, gatherer!.whole()));
        },
        fail: (failure) => {
          if (!isOver) endWith(exchange?.started ? exchange.fail(failure) : failExchange(attempt, failure));
        },
      });
      const upstream: UpstreamCall = deployment.mockResponse
        ? answerMock(call, deployment, sink)
        : this.upstreams.send(deployment, this.requestFor(attempt), sink);
    });
  }
}

const notSpoken = ({ llm }: Call) =>
  new BadRequestException({
    message: `The model '${llm.model}' does not answer at ${llm.kind.path}: its provider's API has no such route, and nothing is translated.`,
    param: 'model',
  });

/** Of a call whose price is nothing, or nobody's matter: as long as the model makes it. */
const UNLIMITED: OutputTokens = { atMost: Number.MAX_SAFE_INTEGER };

const NOTHING_WISHED: Pick<
  Wish,
  'isUncounted' | 'wantedNanoUsd' | 'minimumNanoUsd' | 'fairNanoUsd' | 'inputNanoUsd'
> = {
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
