import { each, type Mirrors } from './attributes.js';
import {
  computed,
  eitherText,
  flag,
  found,
  inside,
  list,
  number,
  ownId,
  resource,
  text,
  texts,
} from './resource.js';

const userAttributes = {
  id: ownId,
  user_id: { ...eitherText, isStable: true },
  ...each('user_alias user_email', text),
  ...each('user_role budget_duration', { ...text, read: 'asked' }),
  ...each('max_budget tpm_limit rpm_limit', { ...number, read: 'asked' }),
  auto_create_key: { ...flag, by: 'user', default: true, read: 'never' },
  ...each('teams models', list),
  metadata: texts,
  key: { ...computed, read: 'never' },
} as const satisfies Mirrors;

export const user = resource(userAttributes, {
  create: async (sent, send) => {
    const answer = await send('POST', '/user/new', sent);
    return { id: answer.user_id!, user_id: answer.user_id!, ...(typeof answer.key === 'string' && { key: answer.key }) };
  },
  read: async ({ user_id }, send) => {
    const answer = await found(send('GET', `/user/info?user_id=${user_id as string}`));
    return answer && inside(answer, 'user_info');
  },
  update: (sent, send, { user_id }) => send('POST', '/user/update', { ...sent, user_id }),
  destroy: ({ user_id }, send) => send('POST', '/user/delete', { user_ids: [user_id] }),
}); // prettier-ignore
