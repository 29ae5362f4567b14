import { describe, expect, it } from 'vitest';
import { readLlmRequest } from '../../src/access/llm-request.js';
import { callTypeOf } from '../../src/call-types/call-types.js';
import { CatalogueSnapshot } from '../../src/models/catalogue.js';
import { type Deployment, makeDeployment } from '../../src/models/deployment.js';
import { ALL_FIELDS } from '../../src/parties/fields/all-fields.js';
import type { Fields } from '../../src/parties/fields/field.js';
import { rulesOf } from '../../src/parties/fields/party-rules.js';
import { demandFor } from '../../src/policy/hold-demand.js';
import { decide } from '../../src/policy/decide.js';
import type { BudgetFacts, ModelFacts, Party, PartyKind } from '../../src/policy/facts.js';
import { compileModelList } from '../../src/policy/model-list.js';
import { compileKeyRoutes } from '../../src/policy/routes.js';
import { aBudget, aKey, aParty, usd } from '../../src/policy/fixtures.testing.js';
import {
  type Given,
  globalAliases,
  type Scenario,
  scenarios,
  served,
  settingsOf,
} from '../harness/scenarios.js';

const catalogue = new CatalogueSnapshot(
  served.map(
    ({ name, groups, price }) =>
      makeDeployment(
        {
          modelName: name,
          litellmParams: { model: `openai/${name}`, api_base: 'http://127.0.0.1/v1' },
          modelInfo: {
            id: name,
            access_groups: groups ?? [],
            max_output_tokens: 1_000,
            input_cost_per_token: 0,
            output_cost_per_token: price,
          },
        },
        1,
      ) as Deployment,
  ),
  globalAliases,
);

/** Converts wire names of declared fields to the columns that store them. */
function columnsOf(kind: PartyKind, values: Given['fields'] = {}): object {
  const resource = kind === 'end_user' ? 'endUser' : kind;
  const declared: Fields = resource === 'token' || resource === 'global' ? {} : ALL_FIELDS[resource];
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [declared[name]!.column, value]));
}

function party(kind: PartyKind, setup: Given): Party {
  const budgets: BudgetFacts[] =
    setup.max_budget === undefined ? [] : [aBudget(setup.max_budget, setup.spent ?? 0)];
  return aParty({
    kind,
    id: kind,
    blocked: setup.blocked ?? false,
    models: compileModelList(setup.models),
    budgets,
    rules: rulesOf(kind, columnsOf(kind, setup.fields)),
  });
}

function decisionOn(scenario: Scenario) {
  const {
    key = {},
    team,
    member,
    user,
    organization,
    endUser,
    tag,
    settings = 'default',
    when = {},
  } = scenario;
  const now = new Date();
  const [path, query = ''] = (when.path ?? '/v1/chat/completions').split('?');
  const method = when.method ?? 'POST';
  const callsModel = method === 'POST';
  const general = settingsOf[settings].general_settings ?? {};
  const skipsUser = general.skip_user_budget_on_team_key === true && team !== undefined;
  const pathModel = /\/(?:engines|deployments)\/([^/]+)\//.exec(path!)?.[1];
  const model = 'model' in when ? when.model : pathModel === undefined ? 'gpt-4o' : undefined;
  const llm = readLlmRequest(
    Buffer.from(
      JSON.stringify({
        messages: [],
        max_tokens: 10,
        ...when.body,
        ...(endUser && { user: 'end_user' }),
        model,
      }),
    ),
    {
      kind: callTypeOf(path!),
      headers: {},
      query,
      settings: { endUserHeaders: [], refusesTags: false, wantedParams: ['user', 'metadata'] },
      ...(pathModel !== undefined && { pathModel }),
    },
  );
  const modelFacts = (name: string): ModelFacts => {
    const facts = catalogue.modelFacts(name, {
      teamAliases: team?.model_aliases ?? {},
      keyAliases: key.aliases ?? {},
    });
    const demand = demandFor(llm.size, catalogue.limits(facts.name), catalogue.ceilingOf(facts.name), {
      budgetClamp: true,
      minOutputTokens: 256,
      defaultHoldTokens: 4_096,
      defaultOutputTokens: 4_096,
      maxToolCallsUnderBudget: 3,
      minClampShare: 0.25,
    });
    return { ...facts, rateTokens: 0, boundTokens: 0, ...(facts.price === 'priced' && { demand }) };
  };
  const proxy = party(
    'global',
    settings === 'globally exhausted' ? { max_budget: 0.01, spent: key.spent ?? 0 } : {},
  );
  const [, amount] = /^(\d+)s$/.exec(key.duration ?? '') ?? [];
  return decide({
    now,
    rates: [],
    balances: 'known',
    credential: aKey({
      blocked: key.blocked ?? false,
      allowedRoutes: compileKeyRoutes(key.allowed_routes),
      expiresAt: amount === undefined ? null : new Date(now.getTime() + Number(amount) * 1_000),
    }),
    route: { path: path!, method, roles: 'any', callsModel },
    parties: [
      party('key', key),
      ...(member ? [party('member', member)] : []),
      ...(team ? [party('team', team)] : []),
      ...(user ? [skipsUser ? { ...party('user', user), budgets: [] } : party('user', user)] : []),
      ...(organization ? [party('organization', organization)] : []),
      ...(endUser ? [party('end_user', endUser)] : []),
      ...(tag ? [party('tag', tag)] : []),
      proxy,
    ],
    ...(callsModel && {
      request: {
        params: llm.params,
        fallbacks: llm.allFallbacks.map(modelFacts),
        ...(llm.problem && { problem: llm.problem }),
        ...(llm.model !== undefined && { model: modelFacts(llm.model) }),
      },
    }),
    settings: {
      enforceUserParam: general.enforce_user_param ?? false,
      enforcedParams: general.enforced_params ?? [],
    },
  });
}

describe('the policy says', () => {
  it.each(scenarios)('$of: $name: $then', (scenario) => {
    expect(decisionOn(scenario).refusal?.code ?? 'allowed').toBe(scenario.then);
  });

  it('enough of LiteLLM’s own scenarios are among them', () => {
    expect(
      new Set(scenarios.map(({ of }) => of).filter((of) => typeof of === 'number')).size,
    ).toBeGreaterThanOrEqual(40);
  });

  it('money is told in nano-dollars', () => expect(usd(0.001)).toBe(1_000_000n));
});
