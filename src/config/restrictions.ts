import type { Section } from './section.js';

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
  { name: 'cost_discount_config', section: 'litellm_settings', advice: 'set the prices of the models' },
  { name: 'cost_margin_config', section: 'litellm_settings', advice: 'set the prices of the models' },
  {
    name: 'provider_budget_config',
    section: 'router_settings',
    advice: 'set budgets of keys, teams, users or tags',
  },
];

/** LiteLLM's callbacks that refuse calls or change their prompts. All others only log. */
const PROMPT_CALLBACKS: ReadonlySet<string> = new Set([
  'aporia_prompt_injection', 'azure_content_safety', 'banned_keywords', 'blocked_user_check', 'detect_prompt_injection',
  'google_text_moderation', 'guardrails_ai', 'hide_secrets', 'lakera_prompt_injection', 'llamaguard_moderations',
  'llmguard_moderations', 'openai_moderations', 'presidio',
]); // prettier-ignore

/** Members of a deployment that restrict it. */
const DEPLOYMENT_RESTRICTIONS: Readonly<Record<string, string>> = {
  max_budget: 'set budgets of keys, teams, users or tags',
  guardrails: GUARDRAILS,
};

const NAMES: ReadonlySet<string> = new Set([
  ...RESTRICTIONS.map(({ name }) => name),
  ...PROMPT_CALLBACKS,
  ...Object.keys(DEPLOYMENT_RESTRICTIONS),
]);

/**
 * Reports settings that restrict in LiteLLM and have no effect here. Each stops the start, because more would be allowed
 * than the operator meant, unless `tollgate_settings.start_without` names it.
 */
export function reportMissingRestrictions(
  file: Section,
  sections: Readonly<Record<Exclude<Restriction['section'], 'file'>, Section>>,
): void {
  const own = file.section('tollgate_settings');
  const accepted = new Set(own.texts('start_without') ?? []);
  own.ignoreTheRest();
  for (const name of accepted)
    if (!NAMES.has(name))
      own.problem('start_without', `'${name}' is none of ${[...NAMES].toSorted().join(', ')}`);
  const report = (section: Section, key: string, name: string, advice: string) => {
    if (accepted.has(name))
      section.warn(key, `${name} has no effect; the start goes on without it, as tollgate_settings.start_without says`); // prettier-ignore
    else
      section.problem(
        key,
        `${name} would restrict, and has no effect here: ${advice}. To start without it: tollgate_settings.start_without: [${name}]`,
      );
  };
  for (const { name, section: at, advice } of RESTRICTIONS) {
    const section = at === 'file' ? file : sections[at];
    if (section.keys().includes(name) && restricts(section.raw(name))) report(section, name, name, advice);
  }
  const litellm = sections.litellm_settings;
  if (litellm.keys().includes('callbacks')) {
    const callbacks: unknown = litellm.raw('callbacks');
    for (const name of Array.isArray(callbacks) ? callbacks : [callbacks])
      if (typeof name === 'string' && PROMPT_CALLBACKS.has(name))
        report(litellm, 'callbacks', name, GUARDRAILS);
  }
  for (const deployment of file.entries('model_list')) {
    const params = deployment?.keys().includes('litellm_params') ? deployment.raw('litellm_params') : undefined; // prettier-ignore
    if (params === null || typeof params !== 'object') continue;
    for (const [name, advice] of Object.entries(DEPLOYMENT_RESTRICTIONS))
      if (restricts((params as Record<string, unknown>)[name]))
        report(deployment!, `litellm_params.${name}`, name, advice);
  }
}

/** Tells whether a setting has a value that restricts. */
const restricts = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  value !== false &&
  !(typeof value === 'object' && Object.keys(value).length === 0);
