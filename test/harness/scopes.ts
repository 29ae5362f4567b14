import type { Gateway } from './gateway.js';

/** A key, and the members of its calls that make the budget of one scope count. */
export interface ScopedCaller {
  readonly key: string;
  readonly body?: object;
}

/** Makers of a caller for every scope that can have a budget: $1 at that scope and no other budget. */
export const scopes: Record<string, (gateway: Gateway, id: string) => Promise<ScopedCaller>> = {
  key: async (gateway) => ({ key: await gateway.createKey({ max_budget: 1 }) }),
  'key, in a monthly window': async (gateway) => ({
    key: await gateway.createKey({ max_budget: 1, budget_duration: '30d' }),
  }),
  'key, in its second window': async (gateway) => ({
    key: await gateway.createKey({
      max_budget: 50,
      budget_limits: [{ budget_duration: '1d', max_budget: 1 }],
    }),
  }),
  'key, by its tier': async (gateway, id) => {
    await gateway.create('/budget/new', { budget_id: id, max_budget: 1 });
    return { key: await gateway.createKey({ budget_id: id }) };
  },
  team: async (gateway, id) => {
    await gateway.create('/team/new', { team_id: id, max_budget: 1 });
    return { key: await gateway.createKey({ team_id: id }) };
  },
  user: async (gateway, id) => {
    await gateway.create('/user/new', { user_id: id, max_budget: 1, auto_create_key: false });
    return { key: await gateway.createKey({ user_id: id }) };
  },
  'user, on a team key': async (gateway, id) => {
    await gateway.create('/user/new', { user_id: id, max_budget: 1, auto_create_key: false });
    await gateway.create('/team/new', { team_id: id });
    return { key: await gateway.createKey({ user_id: id, team_id: id }) };
  },
  member: async (gateway, id) => {
    await gateway.create('/team/new', { team_id: id });
    await gateway.create('/team/member_add', {
      team_id: id,
      member: { role: 'user', user_id: id },
      max_budget_in_team: 1,
    });
    return { key: await gateway.createKey({ team_id: id, user_id: id }) };
  },
  'member, by the team’s default': async (gateway, id) => {
    await gateway.create('/team/new', { team_id: id, team_member_budget: 1 });
    await gateway.create('/team/member_add', { team_id: id, member: { role: 'user', user_id: id } });
    return { key: await gateway.createKey({ team_id: id, user_id: id }) };
  },
  organization: async (gateway, id) => {
    await gateway.create('/organization/new', { organization_id: id, organization_alias: id, max_budget: 1 });
    await gateway.create('/team/new', { team_id: id, organization_id: id });
    return { key: await gateway.createKey({ team_id: id }) };
  },
  'end user': async (gateway, id) => {
    await gateway.create('/customer/new', { user_id: id, max_budget: 1 });
    return { key: await gateway.createKey(), body: { user: id } };
  },
  tag: async (gateway, id) => {
    await gateway.create('/tag/new', { name: id, max_budget: 1 });
    return { key: await gateway.createKey({ tags: ['other'] }), body: { tags: [id] } };
  },
};
