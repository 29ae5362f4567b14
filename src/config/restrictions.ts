import { Report, type Section } from './section.js';

/** A setting by which LiteLLM refuses, limits or masks calls, and which has no effect here. */
interface Restriction {
  /** The name by which `tollgate_settings.start_without` accepts that it has no effect. */
  readonly name: string;
  readonly section: 'file' | 'general_settings' | 'litellm_settings' | 'router_settings';
  readonly advice: string;
}

const GUARDRAILS = 'mask and check prompts before the gateway, or in a provider';

const RESTRICTIONS: readonly Restriction[] = [
  { name: 'guardrails', section: 'file', advice: GUARDRAILS },
  { name: 'guardrails', section: 'litellm_settings', advice: GUARDRAILS },
  { name: 'policies', section: 'file', advice: GUARDRAILS },
  { name: 'pre_call_rules', section: 'litellm_settings', advice: GUARDRAILS },
  { name: 'post_call_rules', section: 'litellm_settings', advice: GUARDRAILS },
  { name: 'custom_auth', section: 'general_settings', advice: 'use virtual keys or enable_jwt_auth' },
  {
    name: 'custom_key_generate',
    section: 'general_settings',
    advice: 'use upperbound_key_generate_params and default_key_generate_params',
  },
  {
    name: 'service_account_settings',
    section: 'general_settings',
    advice: 'set enforced_params on the keys of service accounts',
  },
  {
    name: 'max_parallel_requests',
    section: 'general_settings',
    advice: 'set global_max_parallel_requests, or max_parallel_requests of keys, teams and users',
  },
  {
    name: 'max_response_size_mb',
    section: 'general_settings',
    advice: 'limit the output tokens of models (model_info.max_output_tokens)',
  },
  {
    name: 'key_generation_settings',
    section: 'litellm_settings',
    advice: 'set the permissions of team members (/team/permissions_update)',
  },
  { name: 'banned_keywords_list', section: 'litellm_settings', advice: GUARDRAILS },
  {
    name: 'blocked_user_list',
    section: 'litellm_settings',
    advice: 'block end users with /customer/block',
  },
  {
    name: 'tag_budget_config',
    section: 'litellm_settings',
    advice: 'set max_budget and budget_duration of tags (/tag/new)',
  },
  {
    name: 'block_requests_for_models_without_pricing',
    section: 'litellm_settings',
    advice: 'set a budget: where one applies, a model without a price is refused',
  },
  {
    name: 'personal_key_model_access_from_teams',
    section: 'litellm_settings',
    advice: 'set the models of users',
  },
  {
    name: 'enable_key_alias_format_validation',
    section: 'litellm_settings',
    advice: 'check aliases where keys are ordered',
  },
  {
    name: 'custom_key_update',
    section: 'general_settings',
    advice: 'use upperbound_key_generate_params',
  },
  {
    name: 'custom_key_policy',
    section: 'general_settings',
    advice: 'use upperbound_key_generate_params and default_key_generate_params',
  },
  {
    name: 'disable_key_generate_for_org_admin',
    section: 'general_settings',
    advice: 'make organization admins members, and let team admins issue keys',
  },
  {
    name: 'provider_budget_config',
    section: 'router_settings',
    advice: 'set budgets of keys, teams, users or tags',
  },
];

const RATE_LIMITS = 'set rpm_limit and tpm_limit of keys, teams, users or tags';

/** LiteLLM's own callbacks that refuse calls or change their prompts, with advice. Its others only log. */
const CALLBACKS: Readonly<Record<string, string>> = {
  ...Object.fromEntries([
    'aporia_prompt_injection', 'azure_content_safety', 'banned_keywords', 'blocked_user_check', 'detect_prompt_injection',
    'google_text_moderation', 'guardrails_ai', 'hide_secrets', 'lakera_prompt_injection', 'llamaguard_moderations',
    'llmguard_moderations', 'openai_moderations', 'presidio',
  ].map((name) => [name, GUARDRAILS])),
  dynamic_rate_limiter: RATE_LIMITS,
  dynamic_rate_limiter_v3: RATE_LIMITS,
}; // prettier-ignore

/** Entries of `router_settings.optional_pre_call_checks` that refuse calls. The others choose among deployments. */
const PRE_CALL_CHECKS: Readonly<Record<string, string>> = {
  enforce_model_rate_limits: RATE_LIMITS,
  router_budget_limiting: 'set budgets of keys, teams, users or tags',
};

/** Members of a deployment that restrict it. */
const DEPLOYMENT_RESTRICTIONS: Readonly<Record<string, string>> = {
  max_budget: 'set budgets of keys, teams, users or tags',
  guardrails: GUARDRAILS,
};

/** Returns the problems of a deployment that is added by an admin route. `accepted`: the names in `start_without`. */
export const restrictionProblems = (
  params: Readonly<Record<string, unknown>>,
  accepted: readonly string[],
): string[] =>
  Object.entries(DEPLOYMENT_RESTRICTIONS)
    .filter(([name]) => restricts(params[name]) && !accepted.includes(name))
    .map(
      ([name, advice]) =>
        `litellm_params.${name}: would restrict, and has no effect here: ${advice}. To accept it: tollgate_settings.start_without: [${name}]`,
    );

const NAMES: ReadonlySet<string> = new Set([
  ...RESTRICTIONS.map(({ name }) => name),
  ...Object.keys(CALLBACKS),
  ...Object.keys(PRE_CALL_CHECKS),
  ...Object.keys(DEPLOYMENT_RESTRICTIONS),
]);

/**
 * Reports settings that restrict in LiteLLM and have no effect here. Each stops the start, because more would be allowed
 * than the operator meant, unless `tollgate_settings.start_without` names it. Returns the names there.
 */
export function reportMissingRestrictions(
  file: Section,
  sections: Readonly<Record<Exclude<Restriction['section'], 'file'>, Section>>,
): readonly string[] {
  const own = file.section('tollgate_settings');
  const accepted = new Set(own.texts('start_without') ?? []);
  own.ignoreTheRest();
  for (const name of accepted)
    if (!NAMES.has(name))
      own.problem('start_without', `'${name}' is none of ${[...NAMES].toSorted().join(', ')}`);
  const report = (section: Section, key: string, name: string, advice: string) => {
    if (accepted.has(name)) {
      section.warn(key, `${name} has no effect; the start goes on without it, as tollgate_settings.start_without says`); // prettier-ignore
      section.ignore(key);
    } else
      section.problem(
        key,
        `${name} would restrict, and has no effect here: ${advice}. To start without it: tollgate_settings.start_without: [${name}]`,
      );
  };
  for (const { name, section: at, advice } of RESTRICTIONS) {
    const section = at === 'file' ? file : sections[at];
    if (section.keys().includes(name) && restricts(section.raw(name))) report(section, name, name, advice);
  }
  const { litellm_settings: litellm, router_settings: router } = sections;
  reportEntries(litellm, 'callbacks', CALLBACKS, report);
  reportEntries(router, 'optional_pre_call_checks', PRE_CALL_CHECKS, report);
  for (const deployment of file.entries('model_list')) {
    // A variable that is not set leaves out the deployment. It does not stop the start.
    const params = deployment?.reportingTo(new Report()).raw('litellm_params');
    if (params === null || typeof params !== 'object') continue;
    for (const [name, advice] of Object.entries(DEPLOYMENT_RESTRICTIONS))
      if (restricts((params as Record<string, unknown>)[name]))
        report(deployment!, `litellm_params.${name}`, name, advice);
  }
  return [...accepted];
}

/** Reports the entries of a list that restrict. The rest of it has no effect. */
function reportEntries(
  section: Section,
  key: string,
  advice: Readonly<Record<string, string>>,
  report: (section: Section, key: string, name: string, advice: string) => void,
): void {
  if (!section.keys().includes(key)) return;
  const entries: unknown = section.raw(key);
  for (const name of Array.isArray(entries) ? entries : [entries])
    if (typeof name === 'string' && Object.hasOwn(advice, name)) report(section, key, name, advice[name]!);
    else if (typeof name === 'string' && name.includes('.'))
      section.warn(
        key,
        `${name} is not run; if it refuses or changes calls in LiteLLM, nothing does so here`,
      );
  section.ignore(key);
}

/** Tells whether a setting has a value that restricts. */
const restricts = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  value !== false &&
  !(typeof value === 'object' && Object.keys(value).length === 0);
