import { randomUUID } from 'node:crypto';
import { each, type Mirrors } from './attributes.js';
import {
  block,
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
} from './resource.js';

const teamAttributes = {
  id: { ...ownId, read: 'never' },
  team_alias: text,
  ...each('organization_id tpm_limit_type rpm_limit_type', text),
  ...each('tpm_limit rpm_limit max_budget', { ...number, read: 'nulled' }),
  ...each('team_member_budget team_member_rpm_limit team_member_tpm_limit', { ...number, read: 'nulled' }),
  budget_duration: { ...text, read: 'nulled' },
  blocked: flag,
  ...each('models tags guardrails prompts', list),
  team_member_permissions: list,
  metadata: { ...texts, isJson: true },
  ...each('model_aliases', { ...texts, isKept: true }),
  ...each('model_rpm_limit model_tpm_limit', numbers),
  router_settings: { kind: 'json', by: 'user' },
} as const satisfies Mirrors;

export const team = resource(teamAttributes, {
  create: async (sent, send) => {
    const id = randomUUID();
    await send('POST', '/team/new', { router_settings: {}, ...sent, team_id: id });
    return { id };
  },
  read: async ({ id }, send) => {
    const answer = await found(send('GET', `/team/info?team_id=${id as string}`));
    if (!answer) return undefined;
    const { team_member_permissions } = await send('GET', `/team/permissions_list?team_id=${id as string}`);
    return { ...inside(answer, 'team_info'), team_member_permissions: team_member_permissions! };
  },
  update: async (sent, send, { id, ...plan }, before) => {
    await send('POST', '/team/update', { router_settings: {}, ...sent, team_id: id });
    const { team_member_permissions } = plan;
    if (Array.isArray(team_member_permissions) && String(team_member_permissions) !== String(before.team_member_permissions))
      await send('POST', '/team/permissions_update', { team_id: id, team_member_permissions });
  },
  destroy: ({ id }, send) => send('POST', '/team/delete', { team_ids: [id] }),
}); // prettier-ignore

export const teamBlock = block('team', 'team_id', '/team/info?team_id=', 'team_info');
