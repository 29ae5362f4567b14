import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { EntityManager } from 'typeorm';
import { RightsChangedError, type WriteRights } from '../platform/audit-context.js';
import { cacheKey, type CacheKey } from '../cache/change-epochs.js';
import { Revisions } from '../cache/revisions.js';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { Metrics } from '../metrics/metrics.js';
import { type Principal, seesEverything } from '../policy/principal.js';
import { decide } from '../policy/decide.js';
import type { Refusal } from '../policy/decision.js';
import type { AccessFacts, CredentialFacts } from '../policy/facts.js';
import { keyHint, secretHash } from '../platform/secrets.js';
import { AccessDeniedException } from './access-denied.exception.js';
import { PrincipalLoader } from './principal.loader.js';
import type { AccessRequest } from './access-request.js';
import type { CallAccess } from './call-access.js';
import type { CallerSnapshot } from './callers/caller.js';
import { CallerReader } from './callers/caller-reader.js';
import { DecisionLog } from './decision-log.js';

/**
 * Authorizes the writes of an admin request. The rows that the guard read may have changed since. Inside every transaction
 * of the request they are read again, and the guard's decision is repeated.
 */
@Injectable()
export class WriteAuthorizer {
  constructor(
    private readonly callers: CallerReader,
    private readonly principals: PrincipalLoader,
    private readonly revisions: Revisions,
    private readonly log: DecisionLog,
    private readonly metrics: Metrics,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Returns the rights of an admitted request. Undefined for the master key, because no row describes it, and for calls of
   * models.
   */
  rightsOf(
    request: FastifyRequest,
    { request: asked, caller: admitted }: CallAccess,
  ): WriteRights | undefined {
    if (asked.route.callsModel || asked.presented.kind !== 'presented') return undefined;
    let caller = admitted!;
    if (caller.credential.kind === 'master') return undefined;
    const { secret } = asked.presented;
    const presented = { request: asked, hash: secretHash(secret), hint: keyHint(secret) };
    const readAgain = async (tx: EntityManager) => {
      let first: Reauthorization | undefined;
      await this.revisions.relyOn(tx, subjectsOf(caller, request.principal!), async () => {
        const last = await this.reauthorize(tx, presented, caller);
        if (last.refusal || last.rights !== first?.rights) throw new RightsChangedError();
      });
      first = await this.reauthorize(tx, presented, caller);
      const { refusal, principal } = first;
      if (refusal) throw new RightsChangedError(this.refused(request, first, refusal));
      if (isSame(principal!, request.principal!)) return;
      caller = first.caller!;
      request.principal = principal!;
      throw new RightsChangedError();
    };
    return { readAgain };
  }

  /** Reads the caller's rows as this transaction sees them, and decides as the guard does. */
  private async reauthorize(
    tx: EntityManager,
    { request, hash, hint }: PresentedRequest,
    before: CallerSnapshot,
  ): Promise<Reauthorization> {
    const caller = await this.callers.readAgain(tx, hash, before);
    const now = this.clock();
    const facts: AccessFacts = {
      now,
      credential: credentialOf(caller, now, hint),
      route: request.route,
      // Budgets and rates are left out, because only calls of models are checked against them.
      parties: (caller?.parties ?? []).map((party) => ({ ...party, budgets: [] })),
      rates: [],
      balances: 'unknownUntilHold',
      settings: this.config.general,
    };
    const { refusal } = decide(facts);
    if (!caller || refusal?.enforcer === 'AuthChecksGuard') return { facts, caller, refusal };
    const principal = await this.authorityOf(tx, request, caller);
    return { facts, caller, principal, rights: written([plain(principal), caller.parties]) };
  }

  private refused(
    { id, storableAddress }: FastifyRequest,
    { facts, caller }: Reauthorization,
    refusal: Refusal,
  ): AccessDeniedException {
    this.log.record(id, storableAddress, { facts, caller, tags: [] }, refusal);
    this.metrics.refused.inc({ check: refusal.check });
    return new AccessDeniedException(refusal, this.config.general.budgetExceededStatus);
  }

  private async authorityOf(
    tx: EntityManager,
    { route }: AccessRequest,
    caller: CallerSnapshot,
  ): Promise<Principal> {
    const who = this.principals.nameOf(caller);
    if (route.roles === 'any' || seesEverything(who)) return who;
    return this.principals.in(tx, who, caller.names.teamId);
  }
}

/** A request, with the hash and the hint that find its caller again. */
interface PresentedRequest {
  readonly request: AccessRequest;
  readonly hash: string;
  readonly hint: string;
}

/** The caller's facts and rights at one moment of a transaction. */
interface Reauthorization {
  readonly facts: AccessFacts;
  readonly caller: CallerSnapshot | undefined;
  readonly refusal?: Refusal | undefined;
  /** Absent if there is a refusal. */
  readonly principal?: Principal;
  /** Principal and parties as text, for comparison. */
  readonly rights?: string;
}

/** Returns the credential as it is now. A token expires without a change of any row. */
function credentialOf(caller: CallerSnapshot | undefined, now: Date, hint: string): CredentialFacts {
  if (!caller) return { kind: 'unknown', hint };
  if (caller.token && caller.token.verified.expiresAt <= now)
    return { kind: 'refused', code: 'token_expired', reason: 'Expired JWT: its lifetime is over.' };
  return caller.credential;
}

/**
 * Returns the cache keys of the rows that rights depend on. For an organization that the caller administers, its own row
 * stands for its teams. A team that leaves the organization changes that row, too.
 */
function subjectsOf({ cacheKeys }: CallerSnapshot, { userId, teams, organizations }: Principal): CacheKey[] {
  const joined = [...teams].filter(([, role]) => role.as !== 'org_admin').map(([teamId]) => teamId);
  return [
    ...new Set([
      ...cacheKeys,
      ...joined.map(cacheKey.team),
      ...(userId === null ? [] : joined.map((teamId) => cacheKey.membership(teamId, userId))),
      ...[...organizations.keys()].map(cacheKey.organization),
    ]),
  ];
}

const isSame = (one: Principal, other: Principal) => written(plain(one)) === written(plain(other));

/** Writes a value as text, for comparison. */
const written = (value: unknown) =>
  JSON.stringify(value, (_, part: unknown) => {
    if (part instanceof Map || part instanceof Set) return [...part] as unknown[];
    return typeof part === 'bigint' || part instanceof RegExp ? String(part) : part;
  });

const plain = ({ id, role, userId, keyHash, tokenId, teams, organizations }: Principal) => ({
  id,
  role,
  userId,
  keyHash,
  tokenId,
  teams: [...teams].toSorted(byId),
  organizations: [...organizations].toSorted(byId),
});

const byId = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]) =>
  one < other ? -1 : 1;
