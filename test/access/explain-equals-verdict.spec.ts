import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { AccessDeniedException, enforce } from '../../src/access/access-denied.exception.js';
import { MemoryRateLimits } from '../../src/rate-limits/memory-rate-limits.js';
import type { RateLimit } from '../../src/rate-limits/rate-limits.js';
import { decide } from '../../src/policy/decide.js';
import type { AccessFacts, CredentialFacts, ModelFacts, Party } from '../../src/policy/facts.js';
import { compileModelList } from '../../src/policy/model-list.js';
import { type NanoUsd, nanoUsd } from '../../src/policy/money.js';
import { compileKeyRoutes } from '../../src/policy/routes.js';
import {
  aKey,
  aModel,
  aParty,
  aRequest,
  aRoute,
  aDemand,
  someFacts,
} from '../../src/policy/fixtures.testing.js';
import { lifetimeAccount, type LiveAccount } from '../../src/ledger/account.js';
import { newChain } from '../../src/ledger/billing-chain.js';
import { Reservations } from '../../src/ledger/sqlite/reservations.js';

/**
 * Compares the two ways to decide. An explanation is `decide` with all facts. A call meets two guards, the rate limits and the
 * hold.
 */

const CASES = 10_000;
const NOW = new Date('2026-11-23T12:00:00Z');
const NAMES = { keyHash: 'k', keyAlias: null, userId: null, teamId: null, organizationId: null, endUserId: null }; // prettier-ignore
const KINDS = ['key', 'member', 'team', 'user', 'organization', 'end_user', 'global'] as const;

const nano = (most: number) => fc.integer({ min: 0, max: most }).map((amount) => nanoUsd(BigInt(amount)));
const mostly = <T,>(usual: T, ...others: T[]) => fc.oneof({ weight: 40, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) }); // prettier-ignore

const accounts = (id: string) =>
  fc.record({ spent: nano(20), held: mostly<NanoUsd>(nanoUsd(0n), nanoUsd(5n), nanoUsd(15n)) }).map(
    ({ spent, held }): LiveAccount => ({ ...endlessAccountOf(id), spentNanoUsd: spent, heldNanoUsd: held }),
  ); // prettier-ignore
const endlessAccountOf = (id: string) => {
  const spec = lifetimeAccount('key', id);
  return { id: spec.id, spec, unsettled: 0 };
};

const parties = fc
  .tuple(
    ...KINDS.map((kind) =>
      fc
        .record({
          isThere: fc.boolean(),
          exists: mostly(true, false),
          blocked: mostly(false, true),
          models: mostly<readonly string[]>([], ['m'], ['x'], ['no-default-models']),
          limits: fc.array(nano(200), { maxLength: 2 }),
          accounts: fc.tuple(accounts(`${kind}-0`), accounts(`${kind}-1`)),
        })
        .map(({ isThere, limits, models, accounts: live, ...party }) =>
          isThere || kind === 'key'
            ? [
                aParty({
                  kind,
                  id: kind,
                  ...party,
                  models: compileModelList(models),
                  budgets: limits.map((limitNanoUsd, i) => ({ limitNanoUsd, account: live[i]! })),
                }),
              ]
            : [],
        ),
    ),
  )
  .map((several): readonly Party[] => several.flat());

const credentials: fc.Arbitrary<CredentialFacts> = mostly<CredentialFacts>(
  aKey(),
  { kind: 'absent' },
  { kind: 'malformed', reason: 'no' },
  { kind: 'unknown', hint: 'sk-...' },
  { kind: 'master', role: 'proxy_admin' },
  aKey({ blocked: true }),
  aKey({ expiresAt: new Date(NOW.getTime() - 1) }),
  aKey({ role: 'team' }),
  aKey({ allowedRoutes: compileKeyRoutes(['info_routes']) }),
);

const models: fc.Arbitrary<ModelFacts> = fc
  .record({
    price: mostly<ModelFacts['price']>('priced', 'free', 'unknown'),
    known: mostly(true, false),
    least: nano(20),
    more: nano(20),
    rateTokens: fc.nat({ max: 30 }),
  })
  .map(({ price, known, least, more, rateTokens }) =>
    aModel('m', {
      price,
      known,
      rateTokens,
      boundTokens: 2 * rateTokens,
      ...(price === 'priced' && {
        demand: {
          ...aDemand(0),
          minimumNanoUsd: least,
          wantedNanoUsd: nanoUsd(least + more),
          fairShareNanoUsd: nanoUsd(least + more / 2n),
        },
      }),
    }),
  );

const requests = fc
  .record({
    model: models,
    fallback: mostly<ModelFacts | undefined>(undefined, aModel('x')),
    problem: mostly<{ message: string; param: string } | undefined>(undefined, { message: 'no', param: 'n' }),
    isNamed: mostly(true, false),
  })
  .map(({ model, fallback, problem, isNamed }) => {
    const { model: _, ...rest } = aRequest({ fallbacks: fallback ? [fallback] : [] });
    return { ...rest, ...(problem && { problem }), ...(isNamed && !problem && { model }) };
  });

const rates = fc.array(
  fc.record({
    unit: fc.constantFrom('requests' as const, 'tokens' as const, 'running' as const),
    limit: fc.nat({ max: 20 }),
    usedBefore: fc.nat({ max: 6 }),
  }),
  { maxLength: 2 },
);

const cases = fc.record({
  credential: credentials,
  parties,
  request: requests,
  rates,
  settings: mostly(
    { enforceUserParam: false, enforcedParams: [] as string[] },
    { enforceUserParam: true, enforcedParams: [] },
    { enforceUserParam: false, enforcedParams: ['metadata.x'] },
  ),
});

/**
 * Runs the call through guards, rate limits and hold. `known`: the guards already see balances and rates; else only the hold
 * does.
 */
function walk(
  facts: AccessFacts,
  limits: readonly RateLimit[],
  rateLimits: MemoryRateLimits,
  known: boolean,
) {
  const seen: AccessFacts = known ? facts : { ...facts, balances: 'unknownUntilHold', rates: [] };
  const decision = decide(seen);
  try {
    const access = { decision, facts: seen, request: { headers: {} } };
    const statuses = { budgetExceededStatus: 429 as const, statusesByUserAgent: new Map() };
    enforce(access, ['AuthChecksGuard'], statuses);
    enforce(access, ['ModelAccessGuard'], statuses);
  } catch (error) {
    return (error as AccessDeniedException).refusal;
  }
  const model = facts.request!.model!;
  const slots = rateLimits.acquire(limits, model);
  if ('denials' in slots) return slots.denials[0]!;
  const budgets = model.demand
    ? facts.parties.flatMap((party) =>
        party.budgets.map((budget) => ({ ...budget, scope: { kind: party.kind, id: party.id } })),
      )
    : [];
  const { demand = { wantedNanoUsd: nanoUsd(0n), minimumNanoUsd: nanoUsd(0n), fairShareNanoUsd: nanoUsd(0n) } } = model; // prettier-ignore
  const chain = newChain(NAMES, budgets.map(({ account }) => account as LiveAccount)); // prettier-ignore
  const reservation = new Reservations({ general: { budgetWaitMs: 0 } }).reserve({ chain, budgets, demand });
  return 'denials' in reservation ? reservation.denials[0]! : undefined;
}

it.each([
  ['in memory', true],
  ['elsewhere', false],
])('what is explained is what happens, with balances %s', (_, known) => {
  let allowed = 0;
  const refused = new Set<string>();
  fc.assert(
    fc.property(cases, ({ rates, ...more }) => {
      const rateLimits = new MemoryRateLimits(() => NOW, { general: { rateLimitSpanMs: 60_000 } });
      const limits = rates.map(({ unit, limit }, i): RateLimit => ({ key: `${i}`, scope: { kind: 'key', id: 'k' }, unit, limit })); // prettier-ignore
      rates.forEach(({ unit, usedBefore }, i) => {
        // A limit with room for all earlier calls counts them.
        for (let n = 0; n < usedBefore; n++)
          rateLimits.acquire([{ ...limits[i]!, unit, limit: 1_000 }], { rateTokens: 1, boundTokens: 1 });
      });
      const facts = someFacts({
        ...more,
        now: NOW,
        route: aRoute(),
        rates: rateLimits.measure(limits),
      });
      const before = JSON.stringify(facts, (__, value: unknown) => typeof value === 'bigint' ? `${value}` : value); // prettier-ignore
      const explained = decide(facts);
      expect(rateLimits.measure(limits)).toEqual(facts.rates);
      expect(JSON.stringify(facts, (__, value: unknown) => typeof value === 'bigint' ? `${value}` : value)).toBe(before); // prettier-ignore

      const objection = walk(facts, limits, rateLimits, known);
      expect(explained.allowed).toBe(objection === undefined);
      if (!objection) return void allowed++;
      // The codes may differ if the refusal is temporary, or if only the hold knows the balances. The rate limits then refuse
      // first.
      if (known && !explained.refusal!.retryable) expect(objection.code).toBe(explained.refusal!.code);
      refused.add(objection.code);
    }),
    { numRuns: CASES },
  );
  expect(allowed).toBeGreaterThan(CASES / 20);
  expect(refused.size).toBeGreaterThan(12);
});
