import { each } from './attributes.js';
import { computed, found, list, ownId, resource, text } from './resource.js';
import type { State } from './terraform.js';

const group = ({ access_group }: State) => `/access_group/${access_group as string}`;
export const accessGroup = resource({ id: ownId, access_group: text, model_names: { ...list, by: 'user' } }, {
  create: async (sent, send) => {
    await send('POST', '/access_group/new', sent);
    return { id: sent.access_group! };
  },
  read: (state, send) => found(send('GET', `${group(state)}/info`)),
  update: ({ model_names }, send, plan) => send('PUT', `${group(plan)}/update`, { model_names }),
  destroy: (state, send) => send('DELETE', `${group(state)}/delete`),
}); // prettier-ignore

const unifiedPath = ({ id }: State) => `/v1/access_group/${id as string}`;
export const unifiedAccessGroup = resource(
  {
    id: ownId,
    access_group_id: computed,
    access_group_name: text,
    description: text,
    ...each('access_model_names access_mcp_server_ids access_agent_ids', list),
    ...each('assigned_team_ids assigned_key_ids', list),
    ...each('created_at created_by updated_at updated_by', { ...computed, isStable: false }),
  },
  {
    create: async (sent, send) => {
      const answer = await send('POST', '/v1/access_group', sent);
      return { ...answer, id: answer.access_group_id! };
    },
    read: (state, send) => found(send('GET', unifiedPath(state))),
    update: (sent, send, plan) => send('PUT', unifiedPath(plan), sent),
    destroy: (state, send) => send('DELETE', unifiedPath(state)),
  },
);
