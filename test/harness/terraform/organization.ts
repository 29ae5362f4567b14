import { each, type Mirrors } from './attributes.js';
import {
  computed,
  eitherText,
  flag,
  found,
  inside,
  list,
  number,
  numbers,
  ownId,
  resource,
  text,
  texts,
  unread,
} from './resource.js';
import type { Send, State, Value, Values } from './terraform.js';

const organizationAttributes = {
  id: ownId,
  organization_id: { ...eitherText, isStable: true },
  organization_alias: text,
  budget_id: { ...text, read: 'asked' },
  budget_duration: text,
  ...each('max_budget tpm_limit rpm_limit', number),
  blocked: flag,
  ...each('models tags', list),
  ...each('model_rpm_limit model_tpm_limit', numbers),
  metadata: { ...texts, isJson: true },
  created_at: computed,
} as const satisfies Mirrors;

const organizationOf = async (id: State[string] | undefined, send: Send) => {
  const answer = await found(send('GET', `/organization/info?organization_id=${id as string}`));
  return answer && inside(answer, 'organization_info');
};

export const organization = resource(organizationAttributes, {
  create: async (sent, send) => {
    const { organization_id } = await send('POST', '/organization/new', sent);
    return { id: organization_id!, organization_id: organization_id! };
  },
  read: ({ organization_id }, send) => organizationOf(organization_id, send),
  update: (sent, send, { organization_id }) => send('PATCH', '/organization/update', { ...sent, organization_id }),
  destroy: ({ organization_id }, send) => send('DELETE', '/organization/delete', { organization_ids: [organization_id] }),
}); // prettier-ignore

const memberBody = ({ organization_id, max_budget_in_organization, ...member }: Record<string, Value>) => ({
  organization_id,
  member,
  max_budget_in_organization,
});
export const organizationMember = resource(
  {
    id: ownId,
    organization_id: { ...text, ...unread },
    ...each('user_id user_email', eitherText),
    role: text,
    max_budget_in_organization: number,
  },
  {
    create: async (sent, send) => {
      const answer = await send('POST', '/organization/member_add', memberBody(sent));
      const user_id = sent.user_id ?? answer.user_id;
      return { id: `${sent.organization_id as string}:${user_id as string}`, ...(user_id && { user_id }) };
    },
    read: async (state, send) => {
      const answer = await organizationOf(state.organization_id, send);
      const members = (answer?.members ?? []) as readonly Values[];
      return members.find(({ user_id }) => user_id === state.user_id);
    },
    update: (sent, send) => send('PATCH', '/organization/member_update', memberBody(sent)),
    destroy: ({ organization_id, user_id }, send) =>
      send('DELETE', '/organization/member_delete', { organization_id, user_id }),
  },
);
