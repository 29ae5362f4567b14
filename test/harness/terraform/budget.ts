import { each, type Mirrors } from './attributes.js';
import { eitherText, found, list, number, ownId, resource, text } from './resource.js';
import type { Values } from './terraform.js';

const budgetAttributes = {
  id: ownId,
  budget_id: { ...eitherText, isStable: true },
  ...each('max_budget soft_budget max_parallel_requests tpm_limit rpm_limit', number),
  budget_duration: text,
  model_max_budget: { kind: 'json', by: 'user' },
} as const satisfies Mirrors;

export const budget = resource(budgetAttributes, {
  create: async (sent, send) => {
    const { budget_id } = await send('POST', '/budget/new', sent);
    return { id: budget_id!, budget_id: budget_id! };
  },
  read: async ({ budget_id }, send) => {
    const answer = await found(send('POST', '/budget/info', { budgets: [budget_id] }));
    return (answer as unknown as readonly Values[] | undefined)?.[0];
  },
  update: (sent, send, { budget_id }) => send('POST', '/budget/update', { ...sent, budget_id }),
  destroy: ({ budget_id }, send) => send('POST', '/budget/delete', { id: budget_id }),
});

const { id: _, budget_id: __, ...limits }: Mirrors = budgetAttributes;
export const tag = resource({ id: ownId, name: text, description: text, models: list, budget_id: text, ...limits }, {
  create: async (sent, send) => {
    await send('POST', '/tag/new', sent);
    return { id: sent.name! };
  },
  read: async ({ name }, send) => (await found(send('POST', '/tag/info', { names: [name] })))?.[name as string] as Values | undefined,
  update: (sent, send) => send('POST', '/tag/update', sent),
  destroy: ({ name }, send) => send('POST', '/tag/delete', { name }),
}); // prettier-ignore
