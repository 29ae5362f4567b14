import type { DenialCode } from '../../src/policy/decision.js';

/** Fields of a party, in the words of the admin API. `spent`: USD spent before its limit is set. */
export interface Given {
  readonly models?: readonly string[];
  readonly max_budget?: number;
  readonly spent?: number;
  readonly blocked?: boolean;
  /** Other declared fields by their names on the wire. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

export interface GivenKey extends Given {
  readonly duration?: string;
  readonly allowed_routes?: readonly string[];
  readonly aliases?: Readonly<Record<string, string>>;
}

export interface Scenario {
  /** The number in the list of LiteLLM's scenarios, or the seed's rule. */
  readonly of: number | string;
  readonly name: string;
  readonly settings?: 'enforcing' | 'skipping' | 'globally exhausted';
  readonly key?: GivenKey;
  readonly team?: Given & { readonly model_aliases?: Readonly<Record<string, string>> };
  readonly user?: Given;
  readonly member?: Given;
  readonly organization?: Given;
  readonly endUser?: Given;
  /** Tag that the call names. */
  readonly tag?: Given;
  /** The call. Default: a chat that needs $0.01. */
  readonly when?: {
    readonly model?: string;
    readonly path?: string;
    readonly method?: 'GET';
    readonly body?: Readonly<Record<string, unknown>>;
  };
  readonly then: 'allowed' | DenialCode;
}

/** Models that each scenario's gateway serves, in the words of the configuration file: name → access groups. */
export const served: readonly {
  readonly name: string;
  readonly groups?: readonly string[];
  readonly price: number;
}[] = [
  { name: 'gpt-4o', groups: ['beta-models'], price: 0.001 },
  { name: 'gpt-4o-mini', price: 0.001 },
  { name: 'gpt-4o-team1', price: 0.001 },
  { name: 'claude-sonnet', price: 0.001 },
  { name: 'mistral', price: 0.001 },
  { name: 'ft:gpt-4-0613', price: 0.001 },
  { name: 'bedrock/*', price: 0.001 },
  { name: 'bedrockz/*', price: 0.001 },
  { name: 'openaiz/gpt-4o-mini', price: 0.001 },
  { name: 'openai/*', groups: ['public-models'], price: 0.001 },
  { name: 'openai/gpt-4o', groups: ['private-models'], price: 0.001 },
  { name: 'free', price: 0 },
];

/** `litellm_settings.model_alias_map` */
export const globalAliases = { fast: 'gpt-4o-mini' };

export const settingsOf: Record<'default' | NonNullable<Scenario['settings']>, Settings> = {
  default: {},
  enforcing: {
    general_settings: { enforce_user_param: true, enforced_params: ['metadata.generation_name'] },
  },
  skipping: { general_settings: { skip_user_budget_on_team_key: true } },
  'globally exhausted': { litellm_settings: { max_budget: 0.01 } },
};

/** Sections of the configuration file. */
interface Settings {
  readonly general_settings?: {
    readonly enforce_user_param?: boolean;
    readonly enforced_params?: readonly string[];
    readonly skip_user_budget_on_team_key?: boolean;
  };
  readonly litellm_settings?: { readonly max_budget?: number };
}

const never = { time_zone: 'Europe/Vienna', windows: [] };
const always = {
  time_zone: 'Europe/Vienna',
  windows: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '00:00', to: '24:00' }],
};
const full = { max_budget: 10, spent: 10 };
const chat = (body: Readonly<Record<string, unknown>>) => ({ body });

/** Scenarios: the rules of the gateway, in the order a newcomer would ask about them. */
export const scenarios: readonly Scenario[] = [
  // State of the key
  { of: 1, name: 'a fresh key calls', then: 'allowed' },
  { of: 19, name: 'a key without a duration lives', key: {}, then: 'allowed' },
  { of: 20, name: 'a key that lives 0s is dead', key: { duration: '0s' }, then: 'key_expired' },
  { of: 'seed', name: 'a blocked key calls nothing', key: { blocked: true }, then: 'key_blocked' },

  // Parties behind the key
  { of: 'seed 1', name: 'a blocked team calls nothing', team: { blocked: true }, then: 'party_blocked' },
  { of: 'D12', name: 'a blocked end user calls nothing', endUser: { blocked: true }, then: 'party_blocked' },
  { of: 'ours', name: 'a blocked user calls nothing', user: { blocked: true }, then: 'party_blocked' },
  {
    of: 'ours',
    name: 'a blocked organization calls nothing',
    organization: { blocked: true },
    then: 'party_blocked',
  },

  // Hours of the key
  { of: 'ours', name: 'a key calls at any hour', key: { fields: { allowed_hours: null } }, then: 'allowed' },
  {
    of: 'ours',
    name: 'a key calls within its hours',
    key: { fields: { allowed_hours: always } },
    then: 'allowed',
  },
  {
    of: 'ours',
    name: 'a key without hours never calls',
    key: { fields: { allowed_hours: never } },
    then: 'outside_allowed_hours',
  },
  {
    of: 'ours',
    name: 'the hours of its team count',
    key: { fields: { allowed_hours: always } },
    team: { fields: { allowed_hours: never } },
    then: 'outside_allowed_hours',
  },
  {
    of: 'ours',
    name: 'the hours of its user count',
    user: { fields: { allowed_hours: never } },
    then: 'outside_allowed_hours',
  },

  // Routes
  { of: 2, name: 'a key uses completions', when: { path: '/v1/completions' }, then: 'allowed' },
  { of: 2, name: 'a key uses embeddings', when: { path: '/v1/embeddings' }, then: 'allowed' },
  { of: 3, name: 'a key lists models', when: { path: '/v1/models', method: 'GET' }, then: 'allowed' },
  { of: 4, name: 'a key uses engines', when: { path: '/engines/gpt-4o/chat/completions' }, then: 'allowed' },
  {
    of: 4,
    name: 'a key uses deployments',
    when: { path: '/openai/deployments/gpt-4o/chat/completions' },
    then: 'allowed',
  },
  {
    of: 40,
    name: 'allowed_routes with its group',
    key: { allowed_routes: ['openai_routes'] },
    then: 'allowed',
  },
  {
    of: 41,
    name: 'allowed_routes with another group',
    key: { allowed_routes: ['info_routes'] },
    then: 'route_not_allowed',
  },
  {
    of: 46,
    name: 'two groups, a route of either',
    key: { allowed_routes: ['info_routes', 'llm_api_routes'] },
    then: 'allowed',
  },
  {
    of: 47,
    name: 'a group and an exact route',
    key: { allowed_routes: ['info_routes', '/v1/chat/completions'] },
    then: 'allowed',
  },
  {
    of: 48,
    name: 'an exact route, and another one called',
    key: { allowed_routes: ['/v1/embeddings'] },
    then: 'route_not_allowed',
  },
  {
    of: 'D24',
    name: 'a template in allowed_routes',
    key: { allowed_routes: ['/engines/{model}/chat/completions'] },
    when: { path: '/engines/gpt-4o/chat/completions' },
    then: 'allowed',
  },

  // Required parameters
  {
    of: 'seed 6',
    name: 'enforce_user_param without user',
    settings: 'enforcing',
    when: chat({ metadata: { generation_name: 'g' } }),
    then: 'param_missing',
  },
  {
    of: 'D27',
    name: 'enforce_user_param with an empty user',
    settings: 'enforcing',
    when: chat({ user: '', metadata: { generation_name: 'g' } }),
    then: 'param_missing',
  },
  {
    of: 'seed 7',
    name: 'enforced_params without its first step',
    settings: 'enforcing',
    when: chat({ user: 'u' }),
    then: 'param_missing',
  },
  {
    of: 'seed 7',
    name: 'enforced_params without its second step',
    settings: 'enforcing',
    when: chat({ user: 'u', metadata: {} }),
    then: 'param_missing',
  },
  {
    of: 'D28',
    name: 'enforced_params where a text holds the name',
    settings: 'enforcing',
    when: chat({ user: 'u', metadata: 'generation_name' }),
    then: 'param_missing',
  },
  {
    of: 'seed 7',
    name: 'everything enforced is there',
    settings: 'enforcing',
    when: chat({ user: 'u', metadata: { generation_name: 'g' } }),
    then: 'allowed',
  },
  {
    of: 'D27',
    name: 'listing models needs no parameters',
    settings: 'enforcing',
    when: { path: '/models', method: 'GET' },
    then: 'allowed',
  },

  // Bodies
  {
    of: 206,
    name: 'a body with api_base',
    when: chat({ api_base: 'http://evil.example' }),
    then: 'request_malformed',
  },
  {
    of: 207,
    name: 'a body with base_url',
    when: chat({ base_url: 'http://evil.example' }),
    then: 'request_malformed',
  },
  {
    of: 'T10',
    name: 'api_key inside metadata',
    when: chat({ metadata: { deep: [{ api_key: 'x' }] } }),
    then: 'request_malformed',
  },
  {
    of: 'T10',
    name: 'litellm_params inside a tool',
    when: chat({ tools: [{ litellm_params: {} }] }),
    then: 'request_malformed',
  },
  {
    of: 'T10',
    name: 'a tool whose schema has an api_key is no smuggling',
    when: chat({
      tools: [
        {
          type: 'function',
          function: {
            name: 'f',
            parameters: { type: 'object', properties: { api_key: { type: 'string' } } },
          },
        },
      ],
    }),
    then: 'allowed',
  },
  {
    of: 'T4',
    name: 'a model that is no text',
    when: { model: ['gpt-4o', 'mistral'] as never },
    then: 'request_malformed',
  },
  {
    of: 'T4',
    name: 'path and body name different models',
    when: { path: '/engines/gpt-4o/chat/completions', model: 'mistral' },
    then: 'request_malformed',
  },
  {
    of: 'T4',
    name: 'query and body name different models',
    when: { path: '/v1/chat/completions?model=mistral' },
    then: 'request_malformed',
  },
  {
    of: 'T24',
    name: 'a negative max_tokens',
    when: chat({ max_tokens: -1_000_000_000 }),
    then: 'request_malformed',
  },
  {
    of: 'T24',
    name: 'a max_tokens that is text',
    when: chat({ max_tokens: 'NaN' }),
    then: 'request_malformed',
  },
  { of: 'T24', name: 'too many copies', when: chat({ n: 1_000_000 }), then: 'request_malformed' },

  // Models: the key
  {
    of: 72,
    name: 'a key for mistral asks for another model',
    key: { models: ['mistral'] },
    then: 'model_not_allowed',
  },
  {
    of: 73,
    name: 'a key for mistral asks for mistral',
    key: { models: ['mistral'] },
    when: { model: 'mistral' },
    then: 'allowed',
  },
  {
    of: 74,
    name: 'openai/* admits openai/gpt-4o',
    key: { models: ['openai/*'] },
    when: { model: 'openai/gpt-4o' },
    then: 'allowed',
  },
  {
    of: 75,
    name: 'openai/* admits openai/gpt-4o-mini',
    key: { models: ['openai/*'] },
    when: { model: 'openai/gpt-4o-mini' },
    then: 'allowed',
  },
  {
    of: 76,
    name: 'openai/* does not admit openaiz/',
    key: { models: ['openai/*'] },
    when: { model: 'openaiz/gpt-4o-mini' },
    then: 'model_not_allowed',
  },
  {
    of: 77,
    name: 'bedrock/* admits bedrock/',
    key: { models: ['bedrock/*'] },
    when: { model: 'bedrock/anthropic.claude-3' },
    then: 'allowed',
  },
  {
    of: 78,
    name: 'bedrock/* does not admit bedrockz/',
    key: { models: ['bedrock/*'] },
    when: { model: 'bedrockz/anthropic.claude-3' },
    then: 'model_not_allowed',
  },
  {
    of: 79,
    name: 'a star in the middle of a name',
    key: { models: ['bedrock/us.*'] },
    when: { model: 'bedrock/us.amazon.nova-micro-v1:0' },
    then: 'allowed',
  },
  {
    of: 80,
    name: 'openai/* admits a bare fine-tuned name',
    key: { models: ['openai/*'] },
    when: { model: 'ft:gpt-4-0613' },
    then: 'allowed',
  },
  {
    of: 81,
    name: 'openai/* does not admit it under another name space',
    key: { models: ['openai/*'] },
    when: { model: 'bedrockz/ft:gpt-4-0613' },
    then: 'model_not_allowed',
  },
  {
    of: 83,
    name: 'openai/* does not admit a bare Anthropic name',
    key: { models: ['openai/*'] },
    when: { model: 'claude-sonnet' },
    then: 'model_not_allowed',
  },
  {
    of: 84,
    name: 'a wildcard deployment’s group',
    key: { models: ['public-models'] },
    when: { model: 'openai/gpt-4o-mini' },
    then: 'allowed',
  },
  {
    of: 85,
    name: 'the exact deployment’s group wins',
    key: { models: ['public-models'] },
    when: { model: 'openai/gpt-4o' },
    then: 'model_not_allowed',
  },
  {
    of: 86,
    name: 'the same for the team',
    team: { models: ['public-models'] },
    when: { model: 'openai/gpt-4o' },
    then: 'model_not_allowed',
  },
  {
    of: 87,
    name: 'a team’s alias',
    key: { models: ['gpt-4o-team1'] },
    team: { model_aliases: { 'gpt-4': 'gpt-4o-team1' } },
    when: { model: 'gpt-4' },
    then: 'allowed',
  },
  {
    of: 88,
    name: 'not among the team’s aliases',
    key: { models: ['gpt-4o-team1'] },
    team: { model_aliases: { 'gpt-4': 'gpt-4o-team1' } },
    when: { model: 'gpt-4o' },
    then: 'model_not_allowed',
  },
  {
    of: 89,
    name: 'an alias of the proxy, its target listed',
    key: { models: ['gpt-4o-mini'] },
    when: { model: 'fast' },
    then: 'allowed',
  },
  {
    of: 90,
    name: 'an alias of the proxy, itself listed',
    key: { models: ['fast'] },
    when: { model: 'fast' },
    then: 'allowed',
  },
  {
    of: 92,
    name: 'an alias of the proxy, neither listed',
    key: { models: ['mistral'] },
    when: { model: 'fast' },
    then: 'model_not_allowed',
  },
  {
    of: 'T4',
    name: 'a key’s alias does not open what its list closes',
    key: { models: ['mistral', 'mine'], aliases: { mine: 'gpt-4o' } },
    when: { model: 'mine' },
    then: 'model_not_allowed',
  },
  {
    of: 'ours',
    name: 'a key’s alias for a listed model',
    key: { models: ['mistral'], aliases: { mine: 'mistral' } },
    when: { model: 'mine' },
    then: 'allowed',
  },
  {
    of: 'T4',
    name: 'no case folding',
    key: { models: ['gpt-4o'] },
    when: { model: 'GPT-4O' },
    then: 'model_not_allowed',
  },
  {
    of: 'T4',
    name: 'a name that is a pattern',
    key: { models: ['gpt-4o'] },
    when: { model: '*' },
    then: 'model_not_allowed',
  },
  { of: 'ours', name: 'a model nobody serves', when: { model: 'nobody' }, then: 'model_unknown' },
  {
    of: 'ours',
    name: 'no model at all',
    when: { model: undefined as never, body: { model: undefined } },
    then: 'model_missing',
  },
  {
    of: 'T4',
    name: 'an inherited property is no model',
    when: { model: 'constructor' },
    then: 'model_unknown',
  },

  // Models: team, member, user, organization
  { of: 98, name: 'a team’s list with the model', team: { models: ['gpt-4o'] }, then: 'allowed' },
  { of: 99, name: 'a team with all-proxy-models', team: { models: ['all-proxy-models'] }, then: 'allowed' },
  { of: 100, name: 'a team with *', team: { models: ['*'] }, then: 'allowed' },
  { of: 101, name: 'a team’s openai/* admits a bare name', team: { models: ['openai/*'] }, then: 'allowed' },
  {
    of: 102,
    name: 'a team’s bedrock/* does not admit bedrockz/',
    team: { models: ['bedrock/*'] },
    when: { model: 'bedrockz/x' },
    then: 'model_not_allowed',
  },
  {
    of: 103,
    name: 'a team’s bedrock/* admits what no table knows',
    team: { models: ['bedrock/*'] },
    when: { model: 'bedrock/very_new_model' },
    then: 'allowed',
  },
  {
    of: 105,
    name: 'the text before the star differs',
    team: { models: ['bedrock/claude-3-5-*'] },
    when: { model: 'bedrock/claude-3-6-x' },
    then: 'model_not_allowed',
  },
  {
    of: 107,
    name: 'a team’s list without the model',
    team: { models: ['mistral'] },
    then: 'model_not_allowed',
  },
  { of: 108, name: 'a team with an empty list', team: { models: [] }, then: 'allowed' },
  {
    of: 109,
    name: 'all-team-models on the key, all-proxy-models on the team',
    key: { models: ['all-team-models'] },
    team: { models: ['all-proxy-models'] },
    then: 'allowed',
  },
  {
    of: 'D19',
    name: 'all-team-models leaves the team’s list in force',
    key: { models: ['all-team-models'] },
    team: { models: ['mistral'] },
    then: 'model_not_allowed',
  },
  {
    of: 110,
    name: 'a user’s list without the model',
    user: { models: ['mistral'] },
    then: 'model_not_allowed',
  },
  { of: 111, name: 'a user’s list with the model', user: { models: ['gpt-4o'] }, then: 'allowed' },
  {
    of: 112,
    name: 'a user with no-default-models',
    user: { models: ['no-default-models'] },
    then: 'model_not_allowed',
  },
  {
    of: 'member',
    name: 'a member’s allowed_models without the model',
    team: {},
    user: {},
    member: { models: ['mistral'] },
    then: 'model_not_allowed',
  },
  {
    of: 'D8',
    name: 'an organization’s list without the model',
    organization: { models: ['mistral'] },
    then: 'model_not_allowed',
  },
  {
    of: 'P11',
    name: 'a group as the only entry is exactly the group',
    key: { models: ['beta-models'] },
    when: { model: 'mistral' },
    then: 'model_not_allowed',
  },
  { of: 'P11', name: 'a group with the model', key: { models: ['beta-models'] }, then: 'allowed' },

  // Fallbacks the client names
  {
    of: 125,
    name: 'a fallback it may call',
    key: { models: ['gpt-4o', 'mistral'] },
    when: chat({ fallbacks: ['mistral'] }),
    then: 'allowed',
  },
  { of: 126, name: 'an unknown fallback', when: chat({ fallbacks: ['nobody'] }), then: 'model_unknown' },
  {
    of: 127,
    name: 'a denied fallback in router_settings_override',
    key: { models: ['gpt-4o'] },
    when: chat({ router_settings_override: { fallbacks: [{ 'gpt-4o': ['mistral'] }] } }),
    then: 'model_not_allowed',
  },
  {
    of: 128,
    name: 'a denied context_window_fallback there',
    key: { models: ['gpt-4o'] },
    when: chat({ router_settings_override: { context_window_fallbacks: [{ 'gpt-4o': ['mistral'] }] } }),
    then: 'model_not_allowed',
  },
  {
    of: 130,
    name: 'a denied fallback',
    key: { models: ['gpt-4o'] },
    when: chat({ fallbacks: ['mistral'] }),
    then: 'model_not_allowed',
  },
  {
    of: 130,
    name: 'a denied content_policy_fallback',
    key: { models: ['gpt-4o'] },
    when: chat({ content_policy_fallbacks: [{ 'gpt-4o': ['mistral'] }] }),
    then: 'model_not_allowed',
  },
  {
    of: 131,
    name: 'a denied fallback in its object form',
    key: { models: ['gpt-4o'] },
    when: chat({ fallbacks: [{ model: 'mistral' }] }),
    then: 'model_not_allowed',
  },
  { of: 131, name: 'fallbacks of null', when: chat({ fallbacks: null }), then: 'allowed' },
  {
    of: 'D22',
    name: 'a fallback the team may not call',
    team: { models: ['gpt-4o'] },
    when: chat({ fallbacks: ['mistral'] }),
    then: 'model_not_allowed',
  },
  {
    of: 'T4',
    name: 'a denied fallback in metadata',
    key: { models: ['gpt-4o'] },
    when: chat({ metadata: { fallbacks: ['mistral'] } }),
    then: 'model_not_allowed',
  },

  // Budgets
  { of: 142, name: 'an end user with room', endUser: { max_budget: 10 }, then: 'allowed' },
  { of: 143, name: 'an end user without', endUser: { max_budget: 0, spent: 10 }, then: 'budget_exceeded' },
  { of: 'ours', name: 'a tag with room', tag: { max_budget: 10, spent: 5 }, then: 'allowed' },
  { of: 'ours', name: 'a tag at its budget (LiteLLM lets it pass)', tag: full, then: 'budget_exceeded' },
  { of: 'ours', name: 'a blocked tag', tag: { blocked: true }, then: 'party_blocked' },
  { of: 145, name: 'a key at half its budget', key: { max_budget: 10, spent: 5 }, then: 'allowed' },
  { of: 146, name: 'a key at its budget', key: full, then: 'budget_exceeded' },
  { of: 147, name: 'a key beyond its budget', key: { max_budget: 10, spent: 15 }, then: 'budget_exceeded' },
  { of: 149, name: 'a key with a budget of 0', key: { max_budget: 0 }, then: 'budget_exceeded' },
  { of: 151, name: 'a key without a budget that spent much', key: { spent: 20 }, then: 'allowed' },
  {
    of: 152,
    name: 'a user over its budget (the seed had it upside down)',
    user: full,
    then: 'budget_exceeded',
  },
  { of: 'D1', name: 'a user under its budget', user: { max_budget: 10, spent: 5 }, then: 'allowed' },
  {
    of: 153,
    name: 'the proxy over its budget',
    settings: 'globally exhausted',
    key: { spent: 0.01 },
    then: 'budget_exceeded',
  },
  { of: 158, name: 'a user over its budget, on a team key', user: full, team: {}, then: 'budget_exceeded' },
  {
    of: 157,
    name: 'the same, with the opt-out',
    settings: 'skipping',
    user: full,
    team: {},
    then: 'allowed',
  },
  {
    of: 157,
    name: 'the opt-out does not lift it on a personal key',
    settings: 'skipping',
    user: full,
    then: 'budget_exceeded',
  },
  { of: 168, name: 'a member over its budget', team: {}, user: {}, member: full, then: 'budget_exceeded' },
  {
    of: 169,
    name: 'a member under it',
    team: {},
    user: {},
    member: { max_budget: 10, spent: 5 },
    then: 'allowed',
  },
  { of: 170, name: 'a member without one', team: {}, user: {}, member: {}, then: 'allowed' },
  { of: 171, name: 'no membership at all', team: {}, user: {}, then: 'allowed' },
  {
    of: 175,
    name: 'an organization over its budget',
    organization: { max_budget: 10, spent: 15 },
    then: 'budget_exceeded',
  },
  { of: 176, name: 'an organization at its budget', organization: full, then: 'budget_exceeded' },
  {
    of: 177,
    name: 'an organization under, its team over',
    organization: { max_budget: 100 },
    team: full,
    then: 'budget_exceeded',
  },
  { of: 'D4', name: 'a team at its budget (the seed let it pass)', team: full, then: 'budget_exceeded' },
  { of: 'seed 3', name: 'a team with room', team: { max_budget: 10, spent: 5 }, then: 'allowed' },
  {
    of: 136,
    name: 'a free model when every budget is gone',
    key: full,
    team: full,
    user: full,
    when: { model: 'free' },
    then: 'allowed',
  },
  {
    of: 'D11',
    name: 'listing models when every budget is gone',
    key: full,
    when: { path: '/v1/models', method: 'GET' },
    then: 'allowed',
  },
  {
    of: 'seed 7',
    name: 'listing models when the proxy’s budget is gone',
    settings: 'globally exhausted',
    key: { spent: 0.01 },
    when: { path: '/models', method: 'GET' },
    then: 'allowed',
  },
];
