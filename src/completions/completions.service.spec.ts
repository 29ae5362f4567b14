import type { FastifyReply, FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { AccessDeniedException } from '../access/access-denied.exception.js';
import { chatCompletion } from '../call-types/chat-completion.js';
import type { CallSize } from '../policy/bound.js';
import { CatalogueSnapshot } from '../models/catalogue.js';
import { type Deployment, makeDeployment } from '../models/deployment.js';
import type { Refusal } from '../policy/decision.js';
import type { ModelFacts } from '../policy/facts.js';
import { aBudget, aParty, aRequest, someFacts } from '../policy/fixtures.testing.js';
import { type HoldDemand, demandFor } from '../policy/hold-demand.js';
import { CompletionsService } from './completions.service.js';
import { FallbackLoop } from './fallback-loop.js';
import { HoldService } from './hold.service.js';
import { StreamUsageOptions } from './stream-usage-options.js';
import { FallbackPlan } from './fallback-plan.js';

const size: CallSize = {
  inputBytes: 0,
  outputTokens: 10,
  hasMedia: false,
  copies: 1,
  prompts: 1,
  generates: true,
};
const settings = {
  budgetClamp: true,
  minOutputTokens: 10,
  defaultHoldTokens: 10,
  defaultOutputTokens: 4_096,
  maxToolCallsUnderBudget: 3,
  minClampShare: 0.25,
};
const noAliases = { teamAliases: {}, keyAliases: {} };

const snapshotWith = (modelInfo: object) => {
  const deployment = makeDeployment(
    {
      modelName: 'm',
      litellmParams: { model: 'openai/unknown-model' },
      modelInfo: { id: 'd', ...modelInfo },
    },
    1_000,
  );
  return new CatalogueSnapshot([deployment as Deployment], {});
};
const factsOf = (catalogue: CatalogueSnapshot): ModelFacts => {
  const facts = { ...catalogue.modelFacts('m', noAliases), rateTokens: 10, boundTokens: 10 };
  if (facts.price !== 'priced') return facts;
  return { ...facts, demand: demandFor(size, catalogue.limits('m'), catalogue.ceilingOf('m'), settings) };
};

/** Runs a call that the guards admit with one catalogue and that is sent with another. Returns the hold it requests. */
async function requestHold(before: CatalogueSnapshot, now: CatalogueSnapshot) {
  let lookups = 0;
  let request: { demand: HoldDemand; budgets: readonly unknown[] } | undefined;
  const config = {
    general: {},
    litellm: { fallbacks: {}, defaultFallbacks: [], numRetries: 0, dropParams: false },
    router: { fallbacks: {} },
  } as never;
  const catalogue = { current: () => now, pick: () => now.resolve('m') } as never;
  const requestFacts = {
    modelFacts: () => {
      lookups++;
      return factsOf(now);
    },
    requestAt: (llm: unknown) => llm,
    demandAt: (_: unknown, __: unknown, { demand }: ModelFacts) => demand,
  } as never;
  const authorizer = {
    exceptionFor: (_: unknown, refusal: Refusal) => new AccessDeniedException(refusal, 429),
  } as never;
  const calledNames = { record: () => undefined } as never;
  const holds = new HoldService(
    {
      hold: async (holdRequest: typeof request) => {
        request = holdRequest;
        return { denials: [{ code: 'held', message: 'Enough was seen.', param: null }] };
      },
    } as never,
    authorizer,
    calledNames,
    { isOpen: () => true, of: async () => ({ chain: {}, budgets: [aBudget(1)], snapshots: [] }) } as never,
    requestFacts,
    new StreamUsageOptions(),
    {} as never,
    {} as never,
    config,
  );
  const plan = new FallbackPlan(authorizer, requestFacts, catalogue, config);
  const notReached = {} as never;
  const service = new CompletionsService(
    authorizer,
    calledNames,
    { acquire: () => ({ lease: { rollback: () => {}, commit: () => {} } }) } as never,
    new FallbackLoop(plan, holds, notReached, notReached, authorizer, notReached, catalogue, notReached),
    { overload: () => undefined, calls: new Set() } as never,
    { isUnderWay: false } as never,
  );
  const facts = someFacts({
    parties: [aParty({ budgets: [aBudget(1)] })],
    request: aRequest({ model: factsOf(before) }),
  });
  const access = {
    facts,
    llm: { size, fallbacks: [], kind: chatCompletion },
    request: {},
    caller: {},
    billingContext: { chain: {}, budgets: [aBudget(1)], snapshots: [] },
  };
  const httpRequest = { id: 'r', headers: {}, access } as unknown as FastifyRequest;
  const error = await service
    .complete(httpRequest, {} as FastifyReply)
    .then(undefined, (reason: Error) => reason);
  return { request, error, lookups };
}

describe('a call whose prices changed after it was let in', () => {
  const cheap = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
  const dear = { input_cost_per_token: 0, output_cost_per_token: 0.002 };
  const free = { input_cost_per_token: 0, output_cost_per_token: 0 };

  it.each([
    ['dearer', cheap, dear, 20_000_000n],
    ['cheaper', dear, cheap, 10_000_000n],
    ['no longer free', free, cheap, 10_000_000n],
    ['the same', cheap, cheap, 10_000_000n],
  ])('holds what it may cost now: %s', async (_, before, now, wanted) => {
    const { request } = await requestHold(snapshotWith(before), snapshotWith(now));
    expect(request!.demand.wantedNanoUsd).toBe(wanted);
    expect(request!.budgets).toHaveLength(1);
  });

  it('is refused when its price is not known any more', async () => {
    const { request, error } = await requestHold(snapshotWith(cheap), snapshotWith({}));
    expect(request).toBeUndefined();
    expect(error).toMatchObject({ message: expect.stringContaining('The price of model=m is not known') });
  });

  it('looks its model up only once while nothing changed', async () => {
    const same = snapshotWith(cheap);
    expect(await requestHold(same, same)).toMatchObject({
      lookups: 0,
      request: { demand: { wantedNanoUsd: 10_000_000n } },
    });
  });
});
