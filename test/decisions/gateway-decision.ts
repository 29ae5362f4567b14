import { AccessDeniedException } from '../../src/access/access-denied.exception.js';
import { CallerReader } from '../../src/access/callers/caller-reader.js';
import type { CallerRows } from '../../src/access/callers/caller-rows.js';
import { readLlmRequest } from '../../src/access/llm-request.js';
import { RequestFactsLoader } from '../../src/access/request-facts.loader.js';
import { callTypeOf } from '../../src/call-types/call-types.js';
import { readConfig } from '../../src/config/read-config.js';
import { CatalogueSnapshot } from '../../src/models/catalogue.js';
import { makeDeployment } from '../../src/models/deployment.js';
import { decide } from '../../src/policy/decide.js';
import type { Refusal } from '../../src/policy/decision.js';
import { type Caller, configOf, pathOf, type World } from './table.js';

/** Returns a function that decides calls in a world as the gateway does, from rows in memory and without a server. */
export function deciderIn(world: World): (caller: Caller, model: string) => Promise<string> {
  const config = readConfig(
    {
      TOLLGATE_CONFIG: 'world.json',
      TOLLGATE_MASTER_KEY: 'sk-master-1234',
      TOLLGATE_SALT_KEY: 'a-salt-key-of-32-characters-long',
    },
    undefined,
    { exists: () => true, text: () => JSON.stringify(configOf(world)) },
  );
  if (config.leftOutModels.length) throw new Error(JSON.stringify(config.leftOutModels));
  const deployments = config.models.map((model) => {
    const deployment = makeDeployment(model, 1_000, config.providerVariables);
    if ('problem' in deployment) throw new Error(deployment.problem);
    return deployment;
  });
  const groups = Object.entries(world.groups ?? {}).map(([id, [name, models]]) => ({
    tokens: [name, id],
    models,
    deploymentIds: [],
  }));
  const catalogue = new CatalogueSnapshot(deployments, config.router.modelAliases, groups);
  const requests = new RequestFactsLoader(config, { current: () => catalogue } as never);
  const now = new Date();
  const reader = new CallerReader(config, () => now, { epoch: 0 } as never, NO_REVISIONS as never, {} as never, {} as never, {} as never, {} as never); // prettier-ignore
  const path = pathOf(world);

  return async (caller, model) => {
    const snapshot = (await reader.readKey('hash', rowsOf(caller)))!;
    const body = Buffer.from(JSON.stringify({ model, messages: [], input: '', fallbacks: caller.fallbacks }));
    const read = readLlmRequest(body, {
      kind: callTypeOf(path),
      headers: {},
      query: '',
      settings: { endUserHeaders: [], refusesTags: false, wantedParams: [] },
    });
    const request = requests.requestFacts(requests.llmRequestOf({ llm: () => read }, snapshot)!, snapshot);
    const { refusal } = decide({
      now,
      credential: snapshot.credential,
      route: { path, method: 'POST', roles: 'any', callsModel: true },
      parties: snapshot.parties.map((party) => ({ ...party, budgets: [] })),
      rates: [],
      balances: 'known',
      settings: config.general,
      request,
    });
    if (refusal) return typeOf(refusal);
    const { name, within } = request.model!;
    const upstreams = catalogue
      .resolve(name, within)
      .map(({ provider, upstreamName }) => `${provider}/${upstreamName}`);
    return [...new Set(upstreams)].sort().join(' ');
  };
}

/** Returns the type that the client gets. An unknown model has a name of its own here. */
function typeOf(refusal: Refusal): string {
  if (refusal.code === 'model_unknown') return 'unknown_model';
  return (new AccessDeniedException(refusal, 429).getResponse() as { type: string }).type;
}

const NO_REVISIONS = { ofAll: () => new Map(), areShared: false };

function rowsOf({ key, team, user, member, organization }: Caller): CallerRows {
  const found = <T>(row: object | undefined, more: object = {}) =>
    Promise.resolve((row ? { ...EMPTY_ROW, ...row, ...extraOf(row), ...more } : null) as T | null);
  const organizationId = organization ? 'o' : null;
  return {
    key: () =>
      found(key, {
        secretHash: 'hash',
        keyName: 'sk-...hash',
        userId: user || member ? 'u' : null,
        teamId: team ? 't' : null,
        organizationId,
      }),
    team: () => found(team, { teamId: 't', organizationId, modelAliases: team?.model_aliases ?? {} }),
    member: () => found(member, { teamId: 't', userId: 'u', role: 'user', models: member?.allowed_models }),
    user: () => found(user ?? (member && {}), { userId: 'u', userRole: 'internal_user' }),
    organization: () => found(organization, { organizationId }),
    tier: () => Promise.resolve(null),
  };
}

const extraOf = ({ access_group_ids }: { readonly access_group_ids?: readonly string[] }) =>
  access_group_ids ? { extra: { access_group_ids } } : {};

const EMPTY_ROW = {
  id: 'row',
  blocked: false,
  models: null,
  budgetId: null,
  metadata: null,
  extra: null,
  deletedAt: null,
  aliases: null,
  allowedRoutes: null,
  keyAlias: null,
  expiresAt: null,
  maxBudgetNanoUsd: null,
  softBudgetNanoUsd: null,
  budgetDuration: null,
  budgetAnchor: null,
  budgetSince: null,
  budgetLimits: null,
  modelMaxBudget: null,
  tpmLimit: null,
  rpmLimit: null,
  maxParallelRequests: null,
};
