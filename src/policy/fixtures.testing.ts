import type { Check, DenialCode } from './decision.js';
import type {
  AccessFacts,
  BudgetFacts,
  CredentialFacts,
  ModelFacts,
  Party,
  RequestFacts,
  RouteFacts,
} from './facts.js';
import { nanoUsdFromUsd, ZERO_NANO_USD } from './money.js';
import { ceilingOf } from './ceiling.js';
import type { HoldDemand } from './hold-demand.js';

/** Returns nano-dollars of an amount in USD. */
export const usd = (amount: number) => nanoUsdFromUsd(amount)!;

export const aParty = (party: Partial<Party> = {}): Party => ({
  kind: 'key',
  id: 'k1',
  exists: true,
  blocked: false,
  models: 'any',
  budgets: [],
  ...party,
});

export const aBudget = (
  limit: number,
  spent = 0,
  heldUsd = 0,
  window?: BudgetFacts['window'],
): BudgetFacts => ({
  limitNanoUsd: usd(limit),
  account: { id: 'account', spentNanoUsd: usd(spent), heldNanoUsd: usd(heldUsd) },
  ...(window && { window }),
});

export const aKey = (
  key: Partial<Extract<CredentialFacts, { kind: 'key' }>> = {},
): Extract<CredentialFacts, { kind: 'key' }> => ({
  kind: 'key',
  role: 'internal_user',
  hint: 'sk-...abcd',
  blocked: false,
  expiresAt: null,
  allowedRoutes: 'any',
  ...key,
});

/** Returns a demand of at least and at most these amounts in USD. */
export const aDemand = (minimum: number, wanted = minimum): HoldDemand => ({
  tokens: { inputTokens: 0, outputTokens: 0 },
  wantedNanoUsd: usd(wanted),
  minimumNanoUsd: usd(minimum),
  fairShareNanoUsd: usd(wanted),
  inputNanoUsd: ZERO_NANO_USD,
  answers: 1,
  ceiling: ceilingOf([]),
  reachable: ceilingOf([]),
  unbounded: [],
});

export const aModel = (name: string, model: Partial<ModelFacts> = {}): ModelFacts => ({
  requested: name,
  name,
  known: true,
  aliasedNames: { names: [name], groups: [] },
  globalNames: { names: [name], groups: [] },
  price: 'priced',
  rateTokens: 0,
  boundTokens: 0,
  ...model,
});

export const aRoute = (route: Partial<RouteFacts> = {}): RouteFacts => ({
  path: '/v1/chat/completions',
  method: 'POST',
  roles: 'any',
  callsModel: true,
  ...route,
});

export const aRequest = (request: Partial<RequestFacts> = {}): RequestFacts => ({
  model: aModel('m'),
  fallbacks: [],
  params: {},
  ...request,
});

export const someFacts = (facts: Partial<AccessFacts> = {}): AccessFacts => ({
  now: new Date('2026-11-23T12:00:00Z'),
  credential: aKey(),
  route: aRoute(),
  parties: [aParty()],
  rates: [],
  request: aRequest(),
  balances: 'known',
  settings: { enforceUserParam: false, enforcedParams: [] },
  ...facts,
});

/** A row in the table of cases of a check: its facts and the denial it must give; undefined is none. */
export type Case = readonly [when: string, facts: Partial<AccessFacts>, denial: DenialCode | undefined];

export const codesOf = (check: Check, facts: Partial<AccessFacts>) =>
  check(someFacts(facts)).denials.map(({ code }) => code);
