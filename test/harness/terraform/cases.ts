import type { provider } from './provider.js';
import type { Config, State } from './terraform.js';

const LIMITS = { max_budget: 500.000000001, budget_duration: '30d', tpm_limit: 100_000, rpm_limit: 0 };
const MODELS = { models: ['m-out', 'm-in', 'all-proxy-models'] };
const PER_MODEL = { model_rpm_limit: { 'm-out': 5, 'm-in': 4 }, model_tpm_limit: { 'm-out': 25_000 } };

export type Name = keyof typeof provider;
/** Configurations, each applied over the previous one. */
type Steps = () => Promise<readonly Config[]> | readonly Config[];

/** Returns the cases of each resource. `given` makes the other resources that a case needs. */
export const casesOf = (apply: (name: Name, config: Config) => Promise<State>): Record<Name, Record<string, Steps>> => ({
  key: {
    minimal: () => [{}, { max_budget: 1 }, {}],
    full: () => {
      const full = {
        key_alias: 'tf-full',
        ...MODELS,
        ...LIMITS,
        ...PER_MODEL,
        soft_budget: 80.5,
        max_parallel_requests: 10,
        tpm_limit_type: 'best_effort_throughput',
        rpm_limit_type: 'best_effort_throughput',
        duration: '90d',
        blocked: false,
        allowed_routes: ['llm_api_routes', '/key/info'],
        allowed_passthrough_routes: ['/z', '/a'],
        allowed_cache_controls: ['no-store', 'no-cache'],
        guardrails: ['z', 'a'],
        prompts: ['z', 'a'],
        enforced_params: ['user', 'metadata.b'],
        tags: ['z', 'a'],
        metadata: { owner: 'terraform', nested: '{"b":[1]}' },
        aliases: { fast: 'm-out' },
        config: { theme: 'x' },
        permissions: { get_spend_routes: 'true' },
        model_max_budget: { 'm-out': 50, 'm-in': 0.25 },
      };
      const { key_alias: _, tags: __, max_budget: ___, ...less } = full;
      return [full, { ...full, max_budget: 0, blocked: true, models: ['m-in', 'm-out'], tags: ['a', 'b'] }, less];
    },
    'of nothing but empty collections': () => [
      { models: [], guardrails: [], prompts: [], tags: [], enforced_params: [], allowed_passthrough_routes: [], metadata: {}, aliases: {}, config: {}, permissions: {}, model_max_budget: {} },
    ],
    'with its own secret': () => [{ key: 'sk-tf-own-secret' }, { key: 'sk-tf-own-secret', rpm_limit: 3 }],
    'of a team': async () => {
      const { id } = await apply('team', { team_alias: 'of-key' });
      return [{ team_id: id as string, models: ['all-team-models'] }, { team_id: id as string, models: ['m-in'] }];
    },
    'of a service account': async () => {
      const { id } = await apply('team', { team_alias: 'of-service' });
      return [{ team_id: id as string, service_account_id: 'tf-robot' }, { team_id: id as string, service_account_id: 'tf-robot', tpm_limit: 1 }];
    },
    'of a user, an organization and a tier': async () => {
      await apply('user', { user_id: 'tf-of-key' });
      await apply('organization', { organization_id: 'tf-of-key', organization_alias: 'tf-of-key' });
      await apply('budget', { budget_id: 'tf-of-key', max_budget: 3 });
      return [{ user_id: 'tf-of-key', organization_id: 'tf-of-key', budget_id: 'tf-of-key' }];
    },
  },
  key_block: { full: async () => [{ key: (await apply('key', {})).key as string }] },
  team: {
    minimal: () => [{ team_alias: 'tf-minimal' }, { team_alias: 'tf-renamed' }],
    full: async () => {
      const { id } = await apply('organization', { organization_alias: 'tf-of-team' });
      const full = {
        team_alias: 'tf-full',
        organization_id: id as string,
        ...MODELS,
        ...LIMITS,
        ...PER_MODEL,
        tpm_limit_type: 'guaranteed_throughput',
        rpm_limit_type: 'guaranteed_throughput',
        blocked: false,
        tags: ['z', 'a'],
        guardrails: ['z', 'a'],
        prompts: ['z', 'a'],
        team_member_permissions: ['/key/update', '/key/generate', '/key/info'],
        team_member_budget: 50.5,
        team_member_rpm_limit: 100,
        team_member_tpm_limit: 10_000,
        metadata: { environment: 'testing', nested: '[{"a":1}]' },
        model_aliases: { fast: 'm-out', slow: 'm-in' },
        router_settings: '{"context_window_fallbacks":[{"m-out":["m-in"]}],"fallbacks":[{"m-out":["m-in","m-free"]}]}',
      };
      const cleared = ['max_budget', 'budget_duration', 'tpm_limit', 'rpm_limit', 'team_member_budget', 'team_member_rpm_limit', 'team_member_tpm_limit'];
      const less = Object.fromEntries(Object.entries(full).filter(([name]) => !cleared.includes(name)));
      return [
        full,
        { ...full, models: ['m-in'], blocked: true, tpm_limit: 0, team_member_permissions: ['/key/info'], router_settings: '{"fallbacks":[{"m-in":["m-out"]}]}' },
        less,
        full,
      ];
    },
    'of nothing but empty collections': () => [{ team_alias: 'tf-empty', models: [], tags: [], guardrails: [], prompts: [], team_member_permissions: [], metadata: {}, model_aliases: {}, model_rpm_limit: {} }],
  },
  team_block: { full: async () => [{ team_id: (await apply('team', { team_alias: 'tf-blocked' })).id as string }] },
  team_member: {
    full: async () => {
      const { id } = await apply('team', { team_alias: 'tf-members' });
      await apply('user', { user_id: 'tf-member', user_email: 'member@example.com' });
      const member = { team_id: id as string, user_id: 'tf-member', user_email: 'member@example.com', role: 'user' };
      return [member, { ...member, max_budget_in_team: 2.5 }, member];
    },
  },
  team_member_add: {
    full: async () => {
      const { id } = await apply('team', { team_alias: 'tf-many' });
      const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ user_id: `tf-many-${name}`, user_email: `${name}@example.com`, role: 'user' }));
      return [{ team_id: id as string, member: [a!, b!], max_budget_in_team: 1 }, { team_id: id as string, member: [b!, c!], max_budget_in_team: 1 }];
    },
  },
  user: {
    minimal: () => [{}, { user_alias: 'tf-named' }],
    full: async () => {
      const teams = [(await apply('team', { team_alias: 'tf-z' })).id, (await apply('team', { team_alias: 'tf-a' })).id] as string[];
      const full = { user_id: 'tf-full', user_alias: 'TF', user_email: 'tf-full@example.com', user_role: 'internal_user', auto_create_key: true, teams, ...MODELS, ...LIMITS, metadata: { department: 'engineering' } };
      return [full, { ...full, max_budget: 0, models: ['m-in'], metadata: { department: 'sales', floor: '2' } }];
    },
    'without a key': () => [{ user_id: 'tf-keyless', auto_create_key: false, teams: [], models: [], metadata: {} }],
  },
  organization: {
    minimal: () => [{ organization_alias: 'tf-minimal' }, { organization_alias: 'tf-renamed', max_budget: 1 }],
    full: () => {
      const full = { organization_id: 'tf-full', organization_alias: 'tf-full', ...MODELS, ...LIMITS, ...PER_MODEL, blocked: false, tags: ['z', 'a'], metadata: { environment: 'testing', nested: '{"a":[1]}' } };
      return [full, { ...full, rpm_limit: 7, blocked: true, models: ['m-in'], tags: ['b'], metadata: { environment: 'live', nested: '[2]' } }];
    },
    'of a tier': async () => {
      const { budget_id } = await apply('budget', { max_budget: 3, tpm_limit: 5 });
      return [{ organization_alias: 'tf-tier', budget_id: budget_id as string }];
    },
  },
  organization_member: {
    full: async () => {
      const { organization_id } = await apply('organization', { organization_alias: 'tf-members' });
      const member = { organization_id: organization_id as string, user_id: 'tf-org-member', user_email: 'org-member@example.com' };
      return [{ ...member, role: 'internal_user' }, { ...member, role: 'org_admin' }];
    },
    'by address': async () => {
      const { organization_id } = await apply('organization', { organization_alias: 'tf-addresses' });
      return [{ organization_id: organization_id as string, user_email: 'by-address@example.com', role: 'internal_user_viewer' }];
    },
  },
  budget: {
    minimal: () => [{}, { max_budget: 1 }],
    full: () => {
      const full = { budget_id: 'tf-full', ...LIMITS, soft_budget: 400.5, max_parallel_requests: 20, model_max_budget: '{"m-in":{"budget_limit":200,"time_period":"30d"},"m-out":{"budget_duration":"30d","max_budget":500}}' };
      return [full, { ...full, max_budget: 0, model_max_budget: '{"m-in":{"budget_duration":"1d","max_budget":2.5}}' }];
    },
  },
  tag: {
    minimal: () => [{ name: 'tf-minimal' }, { name: 'tf-minimal', description: 'told' }],
    full: () => {
      const full = { name: 'tf-full', description: 'of everything', ...MODELS, ...LIMITS, soft_budget: 400, max_parallel_requests: 10, model_max_budget: '{"m-out":{"budget_duration":"30d","max_budget":250}}' };
      return [full, { ...full, max_budget: 0, models: ['m-in'] }];
    },
    'of a tier': async () => [{ name: 'tf-tier', budget_id: (await apply('budget', { max_budget: 3 })).budget_id as string }],
  },
  access_group: {
    full: () => [{ access_group: 'tf-group', model_names: ['m-out', 'm-in'] }, { access_group: 'tf-group', model_names: ['m-in', 'm-free', 'm-embed'] }],
  },
  unified_access_group: {
    minimal: () => [{ access_group_name: 'tf-minimal' }, { access_group_name: 'tf-renamed', description: 'told' }],
    full: async () => {
      const teams = [(await apply('team', { team_alias: 'tf-z' })).id, (await apply('team', { team_alias: 'tf-a' })).id] as string[];
      const { id } = await apply('key', {});
      const full = { access_group_name: 'tf-full', description: 'of everything', access_model_names: ['m-out', 'm-in'], access_mcp_server_ids: ['z', 'a'], access_agent_ids: ['z', 'a'], assigned_team_ids: teams, assigned_key_ids: [id as string] };
      return [full, { ...full, access_model_names: ['m-in'], assigned_team_ids: [teams[1]!] }];
    },
  },
  model: {
    minimal: () => [{ model_name: 'tf-minimal', custom_llm_provider: 'openai', base_model: 'gpt-4o' }],
    full: () => {
      const full = {
        model_name: 'tf-full', custom_llm_provider: 'openai', base_model: 'gpt-4o', tpm: 100_000, rpm: 500, model_api_key: 'sk-fake', model_api_base: 'https://api.openai.com/v1', tier: 'paid', mode: 'chat',
        input_cost_per_million_tokens: 2.5, output_cost_per_million_tokens: 10, reasoning_effort: 'medium', thinking_enabled: true, thinking_budget_tokens: 2048, merge_reasoning_content_in_choices: true, access_groups: ['z', 'a'],
        additional_litellm_params: { max_tokens: '4096', temperature: '0.7', drop_params: 'true', organization: 'org-1', tags: '["z","a"]', service_tier: 'flex', cache_control_injection_points: '[{"location":"message","role":"system"}]' },
      };
      return [full, { ...full, rpm: 5, mode: 'embedding', access_groups: ['b'] }];
    },
    'of a team': async () => {
      const { id } = await apply('team', { team_alias: 'tf-of-model' });
      return [{ model_name: 'tf-ours', custom_llm_provider: 'openai', base_model: 'gpt-4o', team_id: id as string }];
    },
    azure: () => [{ model_name: 'tf-azure', custom_llm_provider: 'azure', base_model: 'gpt-4o', model_api_base: 'https://tf.openai.azure.com', api_version: '2024-10-21', model_api_key: 'sk-fake' }],
  },
}); // prettier-ignore
