import { BadRequestException, Inject, Injectable, ServiceUnavailableException } from '@nestjs/common';
import { CallAuthorizer } from '../access/call-authorizer.js';
import { DecisionLog } from '../access/decision-log.js';
import type { LlmRequest } from '../access/llm-request.js';
import { RequestFactsLoader } from '../access/request-facts.loader.js';
import { CalledNames } from '../access/called-names.js';
import { isProvisional, BillingContexts } from '../access/callers/billing-contexts.js';
import { CONFIG, type Config } from '../config/config.js';
import { Metrics } from '../metrics/metrics.js';
import type { Deployment } from '../models/deployment.js';
import { mayCount } from '../policy/bound.js';
import { withAdvice } from '../policy/checks/budgets-have-room.js';
import { conclude } from '../policy/decide.js';
import type { ModelFacts } from '../policy/facts.js';
import { areSameLevels } from '../policy/group-levels.js';
import { ZERO_NANO_USD } from '../policy/money.js';
import type { HoldDemand } from '../policy/hold-demand.js';
import type { BillingChain } from '../ledger/billing-chain.js';
import { type Hold, nothingHeld, SpendService } from '../ledger/spend.service.js';
import { Attempt, type OutputTokens } from './attempt.js';
import type { Call } from './call.js';
import { heldOutput, mayPassBound, planOutput } from './output-limit.js';
import { originOf } from './origin-of.js';
import { StreamUsageOptions } from './stream-usage-options.js';
import { ClientDisconnectedError } from './upstream/upstream-error.js';

const MAX_HOLD_TRIES = 5;

/** Holds the money for each attempt of a call, and authorizes the call once more before the attempt is sent. */
@Injectable()
export class HoldService {
  constructor(
    private readonly spend: SpendService,
    private readonly authorizer: CallAuthorizer,
    private readonly calledNames: CalledNames,
    private readonly billingContexts: BillingContexts,
    private readonly requestFacts: RequestFactsLoader,
    private readonly usageOptions: StreamUsageOptions,
    private readonly metrics: Metrics,
    private readonly decisionLog: DecisionLog,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Holds the money for an attempt at this deployment and replaces the last attempt's hold. Decides again with fresh facts
   * if the hold finds the facts stale. Throws the refusal, or 503 if the facts keep changing.
   */
  async hold(
    call: Call,
    model: ModelFacts,
    deployment: Deployment,
    last: Attempt | undefined,
  ): Promise<Attempt> {
    for (let tries = 1; tries <= MAX_HOLD_TRIES; tries++) {
      const attempt = await this.holdOnce(call, model, deployment, last, tries === 1);
      if (attempt) return attempt;
      const fresh = await this.authorizer.refresh(call.access, model.requested);
      call.access = (await this.calledNames.record(fresh.access)) ?? fresh.access;
      if (fresh.model.name !== model.name || !areSameLevels(fresh.model.within, model.within)) break;
      model = fresh.model;
    }
    throw new ServiceUnavailableException({ message: 'The caller’s limits are changing. Try again.' });
  }

  /** Holds the money for an attempt. Resolves to undefined if the caller's facts are stale. */
  private async holdOnce(
    call: Call,
    model: ModelFacts,
    deployment: Deployment,
    last: Attempt | undefined,
    isFirst: boolean,
  ): Promise<Attempt | undefined> {
    const { access, clientCallId, requestId } = call;
    const llm = this.requestFacts.requestAt(access.llm!, deployment);
    if (llm.problem) throw new BadRequestException(llm.problem);
    const ownDemand = this.requestFacts.demandAt(llm, access.llm!, model);
    // The decision did not know what this deployment adds to the call.
    if (ownDemand && !covers(model.demand!, ownDemand)) return undefined;
    // Of several bodies the largest is held, as it was decided, whichever deployment gets the call.
    const { demand = NO_DEMAND } = model;
    const known = model === access.facts.request!.model ? access.billingContext : undefined;
    const billingContext =
      known && this.billingContexts.isOpen(known)
        ? known
        : await this.billingContexts.of(access.caller!, llm, model);
    if (llm.size.isFree) return this.freeAttempt(call, llm, model, deployment, billingContext.chain);
    // The row of the end user was deleted since the guards ran.
    if (isProvisional(billingContext)) return undefined;
    const budgets = ownDemand ? billingContext.budgets : [];
    const plan = ownDemand && planOutput(llm, deployment, ownDemand, budgets.length > 0, this.config.general);
    const result = await this.spend.hold({
      chain: billingContext.chain,
      factRevisions: billingContext.rowRevisions,
      alertAccounts: billingContext.alertAccounts,
      canBeRecounted: isFirst && mayCount(llm.size),
      budgets,
      demand,
      mayExceedBound: plan !== undefined && mayPassBound(plan),
      inputBoundNanoUsd: (ownDemand ?? demand).inputNanoUsd,
      replaces: last?.unbilled,
      requestId: clientCallId ?? requestId,
      clientAddress: access.request.storableAddress,
      origin: originOf(access),
      tags: access.tags,
      callType: llm.kind.callType,
      model: model.name,
      deploymentId: deployment.id,
      provider: deployment.provider,
    });
    if ('staleFacts' in result) return undefined;
    // A budget window or a temporary increase ended while the hold waited, so the result is based on old limits.
    if (!this.billingContexts.isOpen(billingContext) && ('hold' in result || isFirst)) {
      if ('hold' in result) await this.spend.release(result.hold);
      return undefined;
    }
    if ('denials' in result) {
      const denials = result.denials.map((denial) => withAdvice(denial, model.demand!));
      const { refusal } = conclude([{ check: 'budgetsHaveRoom', enforcer: 'hold', denials }]);
      throw this.authorizer.exceptionFor(access, refusal!);
    }
    await this.authorizer
      .recheck(access, model)
      ?.catch((error: unknown) => this.releaseAndThrow(result.hold, error));
    // The client disconnected before the request was sent.
    if (call.reply.raw.destroyed) await this.releaseAndThrow(result.hold, new ClientDisconnectedError());
    const output = plan ? heldOutput(plan, llm, ownDemand!, result.hold.boundNanoUsd) : UNLIMITED;
    if (output.clampedTo !== undefined) {
      this.metrics.clamped.inc();
      const asked = plan!.withoutBudget;
      const clamp = { asked: asked === Number.MAX_SAFE_INTEGER ? null : asked, sent: output.clampedTo };
      result.hold.clamp = clamp;
      if (result.hold.boundNanoUsd < demand.wantedNanoUsd) this.decisionLog.recordClamp(access, clamp);
    }
    return this.attempt(call, llm, deployment, output, result.hold);
  }

  private async freeAttempt(
    call: Call,
    llm: LlmRequest,
    model: ModelFacts,
    deployment: Deployment,
    chain: BillingChain,
  ): Promise<Attempt> {
    await this.authorizer.recheck(call.access, model);
    return this.attempt(call, llm, deployment, { atMost: 0 }, nothingHeld(chain));
  }

  private attempt(
    call: Call,
    llm: LlmRequest,
    deployment: Deployment,
    output: OutputTokens,
    hold: Hold,
  ): Attempt {
    const addsUsageOption = this.usageOptions.addsUsageOption(llm, deployment);
    const { settleTimeoutMs } = this.config.general;
    return new Attempt(call, llm, deployment, output, hold, addsUsageOption, this.spend, settleTimeoutMs);
  }

  private async releaseAndThrow(hold: Hold, error: unknown): Promise<never> {
    await this.spend.release(hold);
    throw error;
  }
}

/** The output of a call that is free or has no price: no limit. */
const UNLIMITED: OutputTokens = { atMost: Number.MAX_SAFE_INTEGER };

/** Tells whether the decided demand is at least that of one deployment. */
const covers = (decided: HoldDemand, demand: HoldDemand): boolean =>
  decided === demand ||
  (demand.wantedNanoUsd <= decided.wantedNanoUsd &&
    demand.minimumNanoUsd <= decided.minimumNanoUsd &&
    (demand.fee === undefined || decided.fee !== undefined) &&
    demand.unbounded.every((part) => decided.unbounded.includes(part)));

const NO_DEMAND: Pick<
  HoldDemand,
  'isUncounted' | 'isWhole' | 'wantedNanoUsd' | 'minimumNanoUsd' | 'fairShareNanoUsd' | 'inputNanoUsd'
> = {
  wantedNanoUsd: ZERO_NANO_USD,
  minimumNanoUsd: ZERO_NANO_USD,
  fairShareNanoUsd: ZERO_NANO_USD,
  inputNanoUsd: ZERO_NANO_USD,
};
