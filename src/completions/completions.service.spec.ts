import type { FastifyReply, FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { AccessDenied } from '../access/access-denied.js';
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
  minClampShare: 0.25,
};
const nobody = { teamAliases: {}, keyAliases: {} };

const snapshotWith = (modelInfo: object) => {
  const made = makeDeployment(
    { modelName: 'm', litellmParams: { model: 'openai/nobody-knows' }, modelInfo: { id: 'd', ...modelInfo } },
    1_000,
  );
  return new CatalogueSnapshot([made as Deployment], {});
};
const factsOf = (catalogue: CatalogueSnapshot): ModelFacts => {
  const facts = { ...catalogue.modelFacts('m', nobody), boundTokens: 10 };
  if (facts.price !== 'priced') return facts;
  return { ...facts, demand: demandFor(size, catalogue.limits('m'), catalogue.ceilingOf('m'), settings) };
};

/** What a call tries to hold when it was let in with one catalogue and calls with another. */
async function heldBetween(before: CatalogueSnapshot, now: CatalogueSnapshot) {
  let asked = 0;
  let held: { demand: HoldDemand; budgets: readonly unknown[] } | undefined;
  const config = {
    general: {},
    litellm: { fallbacks: {}, defaultFallbacks: [], numRetries: 0 },
    router: { fallbacks: {} },
  } as never;
  const catalogue = { current: () => now, pick: () => now.resolve('m') } as never;
  const requestFacts = {
    modelFacts: () => {
      asked++;
      return factsOf(now);
    },
  } as never;
  const authorizer = {
    exceptionFor: (_: unknown, refusal: Refusal) => new AccessDenied(refusal, 429),
  } as never;
  const calledNames = { record: () => undefined } as never;
  const holds = new HoldService(
    {
      hold: async (request: typeof held) => {
        held = request;
        return { denials: [{ code: 'held', message: 'Enough was seen.', param: null }] };
      },
    } as never,
    authorizer,
    calledNames,
    { isOpen: () => true, of: async () => ({ chain: {}, budgets: [aBudget(1)], named: [] }) } as never,
    new StreamUsageOptions(),
    {} as never,
    config,
  );
  const targets = new FallbackPlan(authorizer, requestFacts, catalogue, config);
  const notReached = {} as never;
  const service = new CompletionsService(
    authorizer,
    calledNames,
    { take: () => ({ lease: { giveBack: () => {}, end: () => {} } }) } as never,
    new FallbackLoop(targets, holds, notReached, notReached, authorizer, notReached, catalogue, notReached),
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
    caller: {},
    billingContext: { chain: {}, budgets: [aBudget(1)], named: [] },
  };
  const request = { id: 'r', headers: {}, access } as unknown as FastifyRequest;
  const error = await service
    .complete(request, {} as FastifyReply)
    .then(undefined, (reason: Error) => reason);
  return { held, error, asked };
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
    const { held } = await heldBetween(snapshotWith(before), snapshotWith(now));
    expect(held!.demand.wantedNanoUsd).toBe(wanted);
    expect(held!.budgets).toHaveLength(1);
  });

  it('is refused when nobody knows its price any more', async () => {
    const { held, error } = await heldBetween(snapshotWith(cheap), snapshotWith({}));
    expect(held).toBeUndefined();
    expect(error).toMatchObject({ message: expect.stringContaining('The price of model=m is not known') });
  });

  it('is not asked about again while nothing changed', async () => {
    const same = snapshotWith(cheap);
    expect(await heldBetween(same, same)).toMatchObject({
      asked: 0,
      held: { demand: { wantedNanoUsd: 10_000_000n } },
    });
  });
});
