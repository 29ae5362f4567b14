import { describe, expect, it } from 'vitest';
import { readSettings } from './read-config.js';

const MODEL =
  'model_list: [{model_name: m, litellm_params: {model: openai/m, api_key: k, api_base: "http://h/v1"}}]';

/** Reads a file with these lines. */
function read(yaml: string) {
  const files = { exists: () => true, text: () => `${yaml}\n` };
  const { report } = readSettings({ TOLLGATE_MASTER_KEY: 'sk-master-key' }, 'c.yaml', files);
  return { problems: report.problems, warnings: report.warnings, ignored: report.ignored };
}

describe('settings that restrict in LiteLLM and have no effect here', () => {
  it.each([
    ['guardrails', 'guardrails: [{guardrail_name: pii, litellm_params: {guardrail: presidio, mode: pre_call}}]', 'guardrails'],
    ['guardrails', 'litellm_settings: {guardrails: [{a: {default_on: true}}]}', 'litellm_settings.guardrails'],
    ['custom_auth', 'general_settings: {custom_auth: auth.check}', 'general_settings.custom_auth'],
    ['custom_key_generate', 'general_settings: {custom_key_generate: auth.check}', 'general_settings.custom_key_generate'],
    ['service_account_settings', 'general_settings: {service_account_settings: {enforced_params: [user]}}', 'general_settings.service_account_settings'],
    ['max_parallel_requests', 'general_settings: {max_parallel_requests: 1}', 'general_settings.max_parallel_requests'],
    ['max_response_size_mb', 'general_settings: {max_response_size_mb: 1}', 'general_settings.max_response_size_mb'],
    ['key_generation_settings', 'litellm_settings: {key_generation_settings: {team_key_generation: {}}}', 'litellm_settings.key_generation_settings'],
    ['banned_keywords_list', 'litellm_settings: {banned_keywords_list: [a]}', 'litellm_settings.banned_keywords_list'],
    ['blocked_user_list', 'litellm_settings: {blocked_user_list: [a]}', 'litellm_settings.blocked_user_list'],
    ['presidio', 'litellm_settings: {callbacks: [langfuse, presidio]}', 'litellm_settings.callbacks'],
    ['hide_secrets', 'litellm_settings: {callbacks: hide_secrets}', 'litellm_settings.callbacks'],
    ['dynamic_rate_limiter', 'litellm_settings: {callbacks: [dynamic_rate_limiter]}', 'litellm_settings.callbacks'],
    ['pre_call_rules', 'litellm_settings: {pre_call_rules: rules.check}', 'litellm_settings.pre_call_rules'],
    ['post_call_rules', 'litellm_settings: {post_call_rules: rules.check}', 'litellm_settings.post_call_rules'],
    ['policies', 'policies: {a: {guardrails: {add: [pii]}}}', 'policies'],
    ['enforce_model_rate_limits', 'router_settings: {optional_pre_call_checks: [prompt_caching, enforce_model_rate_limits]}', 'router_settings.optional_pre_call_checks'],
    ['provider_budget_config', 'router_settings: {provider_budget_config: {openai: {budget_limit: 1}}}', 'router_settings.provider_budget_config'],
    ['tag_budget_config', 'litellm_settings: {tag_budget_config: {a: {max_budget: 1}}}', 'litellm_settings.tag_budget_config'],
    ['block_requests_for_models_without_pricing', 'litellm_settings: {block_requests_for_models_without_pricing: true}', 'litellm_settings.block_requests_for_models_without_pricing'],
    ['personal_key_model_access_from_teams', 'litellm_settings: {personal_key_model_access_from_teams: true}', 'litellm_settings.personal_key_model_access_from_teams'],
    ['enable_key_alias_format_validation', 'litellm_settings: {enable_key_alias_format_validation: true}', 'litellm_settings.enable_key_alias_format_validation'],
    ['custom_key_update', 'general_settings: {custom_key_update: a.b}', 'general_settings.custom_key_update'],
    ['custom_key_policy', 'general_settings: {custom_key_policy: a.b}', 'general_settings.custom_key_policy'],
    ['disable_key_generate_for_org_admin', 'general_settings: {disable_key_generate_for_org_admin: true}', 'general_settings.disable_key_generate_for_org_admin'],
    ['max_budget', 'model_list: [{model_name: m, litellm_params: {model: openai/m, api_key: k, max_budget: 1}}]', 'model_list[0].litellm_params.max_budget'],
    ['guardrails', 'model_list: [{model_name: m, litellm_params: {model: openai/m, api_key: k, guardrails: [a]}}]', 'model_list[0].litellm_params.guardrails'],
  ])('%s stops the start unless start_without names it: %s', (name, yaml, at) => {
    expect(read(yaml).problems).toEqual([expect.stringContaining(`${at}: ${name} would restrict`)]);
    const { problems, warnings } = read(`${yaml}\ntollgate_settings: {start_without: [${name}]}`);
    expect(problems).toEqual([]);
    expect(warnings).toContainEqual(expect.stringContaining(`${at}: ${name} has no effect`));
  }); // prettier-ignore

  it.each([
    'guardrails: []',
    'litellm_settings: {guardrails: null}',
    'litellm_settings: {callbacks: [langfuse, prometheus]}',
  ])('%s restricts nothing', (yaml) => {
    expect(read(`${yaml}\n${MODEL}`).problems).toEqual([]);
  });

  it('callbacks that only log are named as without effect, and a program of the operator with a warning', () => {
    const { problems, ignored, warnings } = read('litellm_settings: {callbacks: [langfuse, hooks.handler]}');
    expect([problems, ignored]).toEqual([[], ['litellm_settings.callbacks']]);
    expect(warnings).toEqual([
      expect.stringContaining('litellm_settings.callbacks: hooks.handler is not run'),
    ]);
  });

  it('the look at deployments leaves it to them what a variable that is not set means', () => {
    const entry = (key: string) =>
      `{model_name: m, litellm_params: {model: openai/m, api_base: "http://h/v1", api_key: ${key}}}`;
    const { problems } = read(`model_list: [${entry('os.environ/NOPE')}, ${entry('k')}]`);
    expect(problems).toEqual([]);
  });

  it('start_without accepts only names of such settings', () => {
    const { problems } = read('tollgate_settings: {start_without: [gardrails]}');
    expect(problems).toEqual([
      expect.stringContaining("tollgate_settings.start_without: 'gardrails' is none of"),
    ]);
  });

  it.each(['disable_spend_logs: true', 'disable_budget_reservation: true', 'public_routes: [/x]'])(
    '%s would only loosen: it has no effect, and is named',
    (setting) => {
      const { problems, ignored } = read(`general_settings: {${setting}}`);
      expect(problems).toEqual([]);
      expect(ignored).toEqual([`general_settings.${setting.split(':')[0]}`]);
    },
  );
});

describe('settings of who may call', () => {
  it.each([
    ['allowed_ips: [nginx]', "general_settings.allowed_ips: 'nginx' is neither"],
    ['allowed_ips: 10.0.0.1', 'general_settings.allowed_ips: must be a list of texts'],
    ['allowed_routes: []', 'general_settings.allowed_routes: is empty'],
    ['allowed_routes: [chat]', "general_settings.allowed_routes: 'chat' is neither a route"],
    ['admin_only_routes: [chat]', "general_settings.admin_only_routes: 'chat' is neither a route"],
  ])('%s is refused', (setting, problem) => {
    expect(read(`general_settings: {${setting}}`).problems).toEqual([expect.stringContaining(problem)]);
  });

  it('default_team_params are checked', () => {
    const { problems } = read(
      'litellm_settings: {default_team_params: {max_budget: -1, budget_duration: x, team_member_permissions: [/a]}}',
    );
    expect(problems).toHaveLength(3);
  });
});
