import { Injectable } from '@nestjs/common';
import { IdentityResolver } from '../../jwt/identity-resolver.js';
import { type RefusedToken, TokenVerifier, type VerifiedToken } from '../../jwt/token-verifier.js';
import { listAllows } from '../../policy/model-list.js';
import type { AccessRequest } from '../access-request.js';
import type { CallerSnapshot } from './caller.js';
import { CallerCache } from './caller-cache.js';
import { RequestFactsLoader } from '../request-facts.loader.js';

/** Finds the caller that a token (JWT) stands for: the token's user in one of the token's teams. */
@Injectable()
export class TokenCallers {
  constructor(
    private readonly tokens: TokenVerifier,
    private readonly tokenOwners: IdentityResolver,
    private readonly callers: CallerCache,
    private readonly requestFacts: RequestFactsLoader,
  ) {}

  looksLikeToken(secret: string): boolean {
    return this.tokens.looksLikeToken(secret);
  }

  /** Tells whether a trusted issuer signed this token. Rejects if the issuer's keys cannot be read. */
  async isValid(hash: string, secret: string): Promise<boolean> {
    return !!this.tokens.known(hash) || !('code' in (await this.tokens.verify(hash, secret)));
  }

  /**
   * Returns the caller of a known token. Undefined if it was not read before, or if the token has several teams and the
   * request chooses none.
   */
  cached(hash: string, request: AccessRequest): CallerSnapshot | undefined {
    const token = this.tokens.known(hash);
    return token && !leavesChoice(token, request)
      ? this.callers.cached(callerIdOf(token, request))
      : undefined;
  }

  /**
   * Verifies a token and reads its caller. The caller acts for the requested team, or for its first team that may call the
   * model.
   */
  async find(hash: string, secret: string, request: AccessRequest): Promise<CallerSnapshot | RefusedToken> {
    const token = this.tokens.known(hash) ?? (await this.tokens.verify(hash, secret));
    if ('code' in token) return token;
    if (!leavesChoice(token, request)) return this.callerFor(token, request);
    let first: CallerSnapshot | RefusedToken | undefined;
    for (const teamId of token.subject.teamIds) {
      const caller = await this.callerFor(token, { teamId });
      if (!('code' in caller) && this.teamMayCall(caller, request)) return caller;
      first ??= caller;
    }
    return first!;
  }

  private async callerFor(
    token: VerifiedToken,
    { teamId }: Pick<AccessRequest, 'teamId'>,
  ): Promise<CallerSnapshot | RefusedToken> {
    const id = callerIdOf(token, { teamId });
    const known = this.callers.cached(id);
    if (known) return known;
    const owners = await this.tokenOwners.find(token.subject, teamId);
    if ('code' in owners) return owners;
    return this.callers.ofToken(id, token, owners);
  }

  private teamMayCall(caller: CallerSnapshot, request: AccessRequest): boolean {
    const llm = this.requestFacts.llmRequestOf(request, caller);
    const team = caller.parties.find(({ kind }) => kind === 'team');
    if (!team?.exists) return false;
    return (
      llm?.model === undefined ||
      listAllows(team.models, this.requestFacts.modelFacts(llm.model, llm, caller).aliasedNames)
    );
  }
}

/** Tells whether a token may act for several teams and the request does not choose one. */
const leavesChoice = ({ subject: { teamIds } }: VerifiedToken, { teamId }: Pick<AccessRequest, 'teamId'>) =>
  teamId === undefined && teamIds.length > 1;

/** Returns the id of a token's caller in the cache: the token and the requested team. */
const callerIdOf = ({ hash }: VerifiedToken, { teamId = '' }: Pick<AccessRequest, 'teamId'>) =>
  `${hash}/${teamId}`;
