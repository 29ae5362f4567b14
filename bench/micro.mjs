// `npm run bench:micro`: measures the parts of a call that only use memory, in one process and without HTTP.
import { compileModelList, listAllows } from '../dist/src/policy/model-list.js';
import { compileRouteList } from '../dist/src/policy/routes.js';
import { decide } from '../dist/src/policy/decide.js';
import { ceilingOf } from '../dist/src/policy/price.js';
import { windowAt } from '../dist/src/calendar/windows.js';
import { newChain } from '../dist/src/ledger/billing-chain.js';
import { Reservations } from '../dist/src/ledger/sqlite/reservations.js';
import { machine, table, write } from './report.mjs';

const ROUNDS = 7;
const ROUND_MS = 300;

/** Returns CPU microseconds per call of the cheapest of several rounds, which other processes disturbed least. */
function perCall(work) {
  for (let i = 0; i < 20_000; i++) work(i);
  const costs = Array.from({ length: ROUNDS }, () => {
    const until = performance.now() + ROUND_MS;
    const before = process.cpuUsage();
    let calls = 0;
    for (; performance.now() < until; calls += 1_000) for (let i = 0; i < 1_000; i++) work(calls + i);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / calls;
  });
  return Math.min(...costs);
}

const accounts = Array.from({ length: 6 }, (_, i) => ({
  id: `account-${i}`,
  spec: { id: `account-${i}`, scopeKind: 'key', scopeId: String(i), windowId: 'endless' },
  spentNanoUsd: 0n,
  heldNanoUsd: 0n,
  unsettled: 0,
}));
const limitNanoUsd = 10n ** 17n;
const models = compileModelList(['m', 'other-*']);
const kinds = ['key', 'member', 'user', 'team', 'organization', 'end_user'];
const parties = kinds.map((kind, i) => ({
  kind,
  id: kind,
  exists: true,
  blocked: false,
  models,
  budgets: i < 3 ? [{ limitNanoUsd, account: accounts[i] }] : [],
}));
const names = { names: ['m'], groups: [] };
const demand = {
  tokens: { inputTokens: 200, outputTokens: 16 },
  wantedNanoUsd: 21_600n,
  minimumNanoUsd: 20_100n,
  fairShareNanoUsd: 21_600n,
  inputNanoUsd: 20_000n,
  ceiling: ceilingOf([]),
  unbounded: [],
};
const model = {
  requested: 'm',
  name: 'm',
  known: true,
  aliasedNames: names,
  globalNames: names,
  price: 'priced',
  demand,
};
const facts = {
  now: new Date(),
  credential: {
    kind: 'key',
    role: 'internal_user',
    hint: 'sk-...abcd',
    blocked: false,
    expiresAt: null,
    allowedRoutes: compileRouteList([]),
  },
  route: { path: '/v1/chat/completions', method: 'POST', roles: 'any', callsModel: true },
  parties,
  rates: ['requests', 'tokens'].map((unit) => ({
    scope: { kind: 'key', id: 'key' },
    unit,
    limit: 1e9,
    used: 1,
  })),
  request: { model: { ...model, boundTokens: 216 }, fallbacks: [], params: {} },
  balances: 'known',
  settings: { enforceUserParam: false, enforcedParams: [] },
};
const decision = decide(facts);
if (!decision.allowed) throw new Error(JSON.stringify(decision.refusal));

const chain = newChain(
  { keyHash: null, keyAlias: null, userId: null, teamId: null, organizationId: null, endUserId: null },
  accounts,
);
const budgets = parties.flatMap(({ kind, id, budgets: own }) =>
  own.map((budget) => ({ ...budget, scope: { kind, id } })),
);
const reservations = new Reservations({ general: { budgetWaitMs: 0 } });

function holdAndSettle() {
  const { amountNanoUsd } = reservations.reserve({ chain, budgets, demand });
  for (const account of accounts) {
    account.spentNanoUsd += 21_000n;
    account.unsettled--;
  }
  reservations.release(chain, amountNanoUsd);
}

const many = (name, count) => Array.from({ length: count }, (_, i) => `${name}-${i}`);
const small = compileModelList([...many('model', 10), ...many('group', 1)]);
const large = compileModelList([...many('model', 10_000), ...many('group', 1_000)]);
const absent = { names: ['gpt-nobody-has'], groups: ['a', 'b', 'c'] };

const anchor = new Date('2025-03-04T05:06:07Z');
const at = new Date();
const window = (duration) => () => windowAt({ duration, anchor }, 'Europe/Berlin', at);

const PARTS = [
  ['decision with trace: six parties, three budgets, two rates', 5, () => decide(facts)],
  ['hold + settle in memory: six accounts, three budgets', 3, holdAndSettle],
  ['may it call this model? A list of 10 models, 1 group', '', () => listAllows(small, absent)],
  ['… of 10,000 models, 1,000 groups', '', () => listAllows(large, absent)],
  ['the window open now: 1h (elapsed)', '', window('1h')],
  ['… 30d (calendar, in a time zone; once per window, not per call)', '', window('30d')],
];
const rows = PARTS.map(([part, goal, work]) => [part, perCall(work).toFixed(3), goal]);
write(
  'micro.md',
  `## What the parts in memory cost\n\n${machine}; CPU time, the cheapest of ${ROUNDS} rounds of ${ROUND_MS} ms.\n\n${table(['', 'CPU µs', 'goal'], rows)}\n`,
);
