import {
  type CanActivate,
  type ExecutionContext,
  Inject,
  Injectable,
  ServiceUnavailableException,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CONFIG, type Config } from '../config/config.js';
import { type Door, doorOf } from '../http/doors.js';
import { ADMIN_RULES } from '../policy/admin-rules.js';
import { Meters } from '../metrics/meters.js';
import { matchedPath } from '../http/matched-path.js';
import { decide } from '../policy/decide.js';
import { seesEverything } from '../policy/authority.js';
import type { Decision, Enforcer, Refusal } from '../policy/decision.js';
import type { AccessFacts, ModelFacts, RouteFacts } from '../policy/facts.js';
import { areSameLevels } from '../policy/group-levels.js';
import { ZERO_NANO_USD } from '../policy/money.js';
import { Traced } from '../tracing/traced.js';
import type { Access } from './access.js';
import { AccessDenied, enforce } from './access-denied.js';
import { AuthorityLoader } from './authority.loader.js';
import { presentedCredential, teamAsked } from './credential.js';
import { DecisionLog } from './decision-log.js';
import { type Ask, FactsLoader, type LoadedFacts } from './facts.loader.js';
import { LlmRequestReader } from './llm-request.reader.js';
import { WriteAuthorizer } from './write-authorizer.js';

const HERE: readonly Enforcer[] = ['AuthChecksGuard'];

/**
 * Lets a request in when nothing stands against its caller and everyone behind it. Decides once, for both guards; what it leaves
 * with the request (`Access`) asks again during the call, where something has changed. Stands before every route
 * (`access.module.ts`); `@ModelRoute()` names it once more, so that the order of the two guards can be read there, and that time
 * it does nothing.
 */
@Injectable()
export class AuthChecksGuard implements CanActivate {
  private readonly doors = new WeakMap<object, Door>();

  constructor(
    private readonly loader: FactsLoader,
    private readonly authorities: AuthorityLoader,
    private readonly reader: LlmRequestReader,
    private readonly writes: WriteAuthorizer,
    private readonly log: DecisionLog,
    private readonly meters: Meters,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const door = this.door(context);
    if (door === 'open' || (door === 'metrics' && this.config.litellm.openMetrics) || request.access)
      return true;

    const ask = this.ask(request, door);
    const loaded = this.loader.load(ask);
    return loaded instanceof Promise
      ? loaded.then((facts) => this.admit(request, ask, facts))
      : this.admit(request, ask, loaded);
  }

  private admit(request: FastifyRequest, ask: Ask, loaded: LoadedFacts): boolean | Promise<boolean> {
    const decision = this.decided(request.id, loaded);
    enforce(decision, HERE, this.config.general.budgetExceededStatus);

    request.access = this.accessOf(request.id, ask, loaded, decision);
    const rights = ask.route.callsModel ? undefined : this.writes.rightsOf(request, ask, loaded.caller!);
    if (rights) request.rights = rights;
    const who = this.authorities.nameOf(loaded.caller!);
    if (ask.route.roles === 'any' || seesEverything(who)) {
      request.caller = who;
      return true;
    }
    return this.authorities.load(who, loaded.caller!.names.teamId).then((caller) => {
      request.caller = caller;
      return true;
    });
  }

  @Traced('decide', { told: outcome })
  private decided(requestId: string, loaded: LoadedFacts): Decision {
    const startedAt = performance.now();
    const decision = decide(loaded.facts);
    // What the hold may still grant after waiting is the hold's to refuse.
    const refusal = decision.refusal?.enforcer === 'hold' ? undefined : decision.refusal;
    this.log.record(requestId, loaded, refusal, performance.now() - startedAt);
    if (refusal) this.meters.refused.inc({ check: refusal.check });
    return decision;
  }

  private refused(requestId: string, loaded: LoadedFacts, refusal: Refusal): AccessDenied {
    return new AccessDenied(refusal, this.config.general.budgetExceededStatus, () => {
      this.log.record(requestId, loaded, refusal);
      this.meters.refused.inc({ check: refusal.check });
    });
  }

  private accessOf(requestId: string, ask: Ask, loaded: LoadedFacts, decision: Decision): Access {
    const { facts, caller, standing, rates, llm, tags } = loaded;
    return {
      facts,
      caller,
      standing,
      rates,
      llm,
      tags,
      decision,
      recheck: (model) => this.recheck(requestId, ask, loaded, model),
      refreshed: (model) => this.refreshed(requestId, ask, model),
      refused: (refusal) => this.refused(requestId, loaded, refusal),
      explained: () => this.explained(ask, loaded),
    };
  }

  private async explained(ask: Ask, loaded: LoadedFacts): Promise<Refusal | undefined> {
    const { facts } = await this.loader.completed(loaded, () => this.loader.load(ask));
    return decide(facts).refusal;
  }

  /**
   * The whole policy once more, for whom the hold found outdated. Its place in the rate limits is taken already, and what may be
   * waited for is left to the next hold.
   */
  private async refreshed(
    requestId: string,
    ask: Ask,
    name: string,
  ): Promise<{ access: Access; model: ModelFacts }> {
    const loaded = await this.loader.load(ask);
    const facts = await this.loader.factsFor(name, loaded);
    const decision = decide({ ...facts, rates: [] });
    const { refusal } = decision;
    if (refusal && refusal.enforcer !== 'hold') throw this.refused(requestId, loaded, refusal);
    const first = loaded.facts.request!.model!;
    const model = first.requested === name ? first : facts.request!.model!;
    return { access: this.accessOf(requestId, ask, loaded, decision), model };
  }

  /** Anyone blocked, shrunk or deleted since the decision is refused now; so is whoever's limit was lowered below what is held. */
  private recheck(
    requestId: string,
    ask: Ask,
    loaded: LoadedFacts,
    model: ModelFacts,
  ): Promise<void> | undefined {
    return this.loader.isStale(loaded) ? this.checkAgain(requestId, asPaid(ask, loaded), model) : undefined;
  }

  private async checkAgain(requestId: string, ask: Ask, model: ModelFacts): Promise<void> {
    const loaded = await this.loader.load(ask);
    const facts = await this.loader.factsFor(model.requested, loaded);
    const { refusal } = decide(withMoneyHeld(facts));
    if (refusal) throw this.refused(requestId, loaded, refusal);
    const now = facts.request!.model!;
    if (now.name !== model.name || !areSameLevels(now.within, model.within))
      throw new ServiceUnavailableException({
        message: 'The name of the model means another one by now. Try again.',
      });
  }

  private ask(request: FastifyRequest, door: Door): Ask {
    const teamId = teamAsked(request);
    return {
      presented: presentedCredential(request.headers, request.raw.rawHeaders),
      teamId,
      route: {
        path: matchedPath(request),
        method: request.method,
        roles: door === 'admin' || door === 'metrics' ? rolesAt(request) : 'any',
        callsModel: door === 'model',
      },
      llm: door === 'model' ? this.reader.of(request) : undefined,
    };
  }

  private door(context: ExecutionContext): Door {
    const handler = context.getHandler();
    let door = this.doors.get(handler);
    if (!door) {
      // A route that says nothing is an administrator's; `GuardedDoors` refuses to start with one.
      door = doorOf(handler, context.getClass()) ?? 'admin';
      this.doors.set(handler, door);
    }
    return door;
  }
}

/** Of a decision, on its span. */
function outcome({ allowed, refusal }: Decision) {
  return { 'tollgate.allowed': allowed, ...(refusal && { 'tollgate.check': refusal.check }) };
}

/** Of a route without a rule, only `proxy_admin` (and the start has failed). HEAD is a read like GET. */
function rolesAt({ method, routeOptions }: FastifyRequest): RouteFacts['roles'] {
  return ADMIN_RULES[`${method === 'HEAD' ? 'GET' : method} ${routeOptions.url}`] ?? [];
}

/** A token that may act for several teams goes on acting for the one that pays. */
const asPaid = (ask: Ask, { caller }: LoadedFacts): Ask =>
  caller?.credential.kind === 'token' && caller.names.teamId !== null
    ? { ...ask, teamId: caller.names.teamId }
    : ask;

/** The same question when the call's money is among what is held already, and its place taken. */
function withMoneyHeld(facts: AccessFacts): AccessFacts {
  // A caller who is unknown by now asks for nothing.
  if (!facts.request?.model) return facts;
  const { model, ...request } = facts.request;
  const wish = model.wish && { ...model.wish, minimumNanoUsd: ZERO_NANO_USD };
  return {
    ...facts,
    rates: [],
    request: { ...request, model: { ...model, ...(wish && { wish }) } },
  };
}
