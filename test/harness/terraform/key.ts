import { hash } from 'node:crypto';
import { each, type Mirrors } from './attributes.js';
import {
  block,
  eitherNumber,
  eitherText,
  flag,
  found,
  inside,
  list,
  numbers,
  ownId,
  resource,
  text,
  texts,
} from './resource.js';
import type { State, Value, Values } from './terraform.js';

const secret = (state: State) => encodeURIComponent(state.key as string);

const keyAttributes = {
  id: ownId,
  key: { ...eitherText, isStable: true, read: 'never' },
  service_account_id: { ...text, read: 'never' },
  ...each('team_id organization_id tpm_limit_type rpm_limit_type duration', text),
  ...each('user_id budget_id budget_duration', { ...text, read: 'asked' }),
  key_alias: eitherText,
  ...each('max_budget max_parallel_requests tpm_limit rpm_limit soft_budget', eitherNumber),
  blocked: flag,
  ...each('models allowed_routes allowed_passthrough_routes allowed_cache_controls', list),
  ...each('guardrails prompts enforced_params tags', list),
  metadata: { ...texts, isKept: true, isOwn: true, isJson: true },
  ...each('aliases config permissions', texts),
  model_max_budget: { ...numbers, isKept: false },
  ...each('model_rpm_limit model_tpm_limit', numbers),
} as const satisfies Mirrors;

function keyBody({ service_account_id: account, ...sent }: Record<string, Value>): Record<string, Value> {
  const models: Record<string, Value> = sent.team_id && !sent.models ? { models: ['all-team-models'] } : {};
  if (!account) return { ...sent, ...models };
  const metadata = { ...(sent.metadata as Values), service_account_id: account };
  return { key_alias: account, ...sent, ...models, metadata };
}

export const key = resource(keyAttributes, {
  create: async (sent, send) => {
    const path = sent.service_account_id ? '/key/service-account/generate' : '/key/generate';
    const answer = await send('POST', path, keyBody(sent));
    return { key: answer.key!, id: hash('sha256', answer.key as string, 'hex') };
  },
  read: async (state, send) => {
    const answer = await found(send('GET', `/key/info?key=${secret(state)}`));
    return answer && inside(answer, 'info');
  },
  update: (sent, send, { key }) => send('POST', '/key/update', { ...keyBody(sent), key }),
  destroy: ({ key }, send) => send('POST', '/key/delete', { keys: [key] }),
});

export const keyBlock = block('key', 'key', '/key/info?key=', 'info');
