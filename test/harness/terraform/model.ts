import { randomUUID } from 'node:crypto';
import { each, type Mirrors } from './attributes.js';
import { eitherText, flag, found, list, number, ownId, resource, text, texts, unread } from './resource.js';
import type { Value, Values } from './terraform.js';

const modelAttributes = {
  id: ownId,
  ...each('model_name custom_llm_provider model_api_base api_version aws_region_name litellm_credential_name', text),
  ...each('base_model team_id', text),
  // Computed: without one in the configuration it is what the gateway answers.
  mode: { ...eitherText, read: 'asked' },
  tier: { ...text, default: 'free' },
  ...each('tpm rpm', number),
  ...each('model_api_key reasoning_effort', { ...text, ...unread }),
  ...each('input_cost_per_million_tokens output_cost_per_million_tokens thinking_budget_tokens', { ...number, ...unread }),
  ...each('thinking_enabled merge_reasoning_content_in_choices', { ...flag, by: 'user', ...unread }),
  access_groups: list,
  additional_litellm_params: { ...texts, isKept: true, isOwn: true },
} as const satisfies Mirrors; // prettier-ignore

/** Converts texts as the provider does: `"4096"` is sent as 4096, `"true"` as true, `"[1]"` as a list. */
const unquoted = (value: Value): Value => {
  try {
    return JSON.parse(value as string) as Value;
  } catch {
    return value;
  }
};

function modelBody(id: Value, plan: Record<string, Value>): Values {
  const { model_name, base_model, mode, tier, team_id, access_groups, additional_litellm_params: more, ...sent } = plan;
  const { model_api_key, model_api_base, thinking_enabled, thinking_budget_tokens, ...params } = sent;
  const { input_cost_per_million_tokens: input, output_cost_per_million_tokens: output, ...others } = params;
  const known = {
    ...others,
    model: `${sent.custom_llm_provider as string}/${base_model as string}`,
    api_key: model_api_key,
    api_base: model_api_base,
    thinking: thinking_enabled ? { type: 'enabled', budget_tokens: thinking_budget_tokens } : undefined,
    input_cost_per_token: input === undefined ? undefined : (input as number) / 1e6,
    output_cost_per_token: output === undefined ? undefined : (output as number) / 1e6,
  };
  const additional = Object.entries((more ?? {}) as Values).map(([name, value]) => [name, unquoted(value)]);
  const ofTeam = team_id === undefined ? {} : { team_id, team_public_model_name: model_name };
  return {
    model_name: model_name!,
    litellm_params: { ...known, ...Object.fromEntries(additional) } as Values,
    model_info: { id, db_model: true, base_model, tier, mode, access_groups, ...ofTeam } as Values,
  };
} // prettier-ignore

export const model = resource(modelAttributes, {
  create: async (sent, send) => {
    const id = randomUUID();
    await send('POST', '/model/new', modelBody(id, sent));
    return { id };
  },
  read: async ({ id }, send) => {
    const answer = await found(send('GET', `/model/info?litellm_model_id=${id as string}`));
    if (!answer) return undefined;
    const [row] = answer.data as readonly Values[];
    const { api_base, ...params } = row!.litellm_params as Values;
    const info = row!.model_info as Values;
    return {
      ...params,
      ...info,
      model_api_base: api_base ?? null,
      model_name: info.team_public_model_name ?? row!.model_name!,
      additional_litellm_params: params,
    };
  },
  update: (sent, send, { id }) =>
    send('PATCH', `/model/${id as string}/update`, modelBody(id as string, sent)),
  destroy: ({ id }, send) => send('POST', '/model/delete', { id }),
});
