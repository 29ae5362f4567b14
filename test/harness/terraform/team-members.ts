import { each } from './attributes.js';
import { found, inside, list, number, ownId, resource, text, unread } from './resource.js';
import type { Send, State, Value, Values } from './terraform.js';

/** Reads a membership. The client reads no member back, so the plan is the state. Here it is gone if the team lacks a user. */
const membership = async (state: State, send: Send, users: readonly Value[]) => {
  const answer = await found(send('GET', `/team/info?team_id=${state.team_id as string}`));
  const members = (answer ? inside(answer, 'team_info').members_with_roles : []) as readonly Values[];
  return users.every((user) => members.some(({ user_id }) => user_id === user)) ? {} : undefined;
};

export const teamMember = resource(
  {
    id: ownId,
    ...each('team_id user_id user_email role', { ...text, ...unread }),
    max_budget_in_team: { ...number, read: 'nulled' },
  },
  {
    create: async ({ team_id, max_budget_in_team, ...member }, send) => {
      await send('POST', '/team/member_add', { team_id, member: [member], max_budget_in_team });
      return { id: `${team_id as string}:${member.user_id as string}` };
    },
    read: (state, send) => membership(state, send, [state.user_id as string]),
    update: ({ team_id, user_id, user_email, max_budget_in_team }, send) =>
      send('POST', '/team/member_update', { team_id, user_id, user_email, max_budget_in_team }),
    destroy: ({ team_id, user_id, user_email }, send) =>
      send('POST', '/team/member_delete', { team_id, user_id, user_email }),
  },
);

const membersOf = (state: State) => state.member as readonly Values[];
export const teamMembers = resource(
  {
    id: ownId,
    team_id: { ...text, ...unread },
    member: { ...list, by: 'user', ...unread },
    max_budget_in_team: { ...number, ...unread },
  },
  {
    create: async ({ team_id, member, ...sent }, send) => {
      await send('POST', '/team/member_add', { team_id, member, ...sent });
      return { id: team_id! };
    },
    read: (state, send) => membership(state, send, membersOf(state).map(({ user_id }) => user_id!)),
    update: async ({ team_id, ...sent }, send, plan, before) => {
      const isIn = (members: readonly Values[]) => (one: Values) => members.some(({ user_id }) => user_id === one.user_id);
      for (const { user_id, user_email } of membersOf(before).filter((one) => !isIn(membersOf(plan))(one)))
        await send('POST', '/team/member_delete', { team_id, user_id, user_email });
      const member = membersOf(plan).filter((one) => !isIn(membersOf(before))(one));
      if (member.length) await send('POST', '/team/member_add', { ...sent, team_id, member });
    },
    destroy: async (state, send) => {
      for (const { user_id, user_email } of membersOf(state))
        await send('POST', '/team/member_delete', { team_id: state.team_id, user_id, user_email });
    },
  },
); // prettier-ignore
