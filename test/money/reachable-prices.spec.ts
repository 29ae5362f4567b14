import { afterAll, beforeAll, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

let upstream: Upstream;
let gateway: Gateway;

/** The plain price: 1,000 tokens cost a cent. Every dearer one would need more than the budget of a case. */
const PLAIN = { input_cost_per_token: 0.000_01, output_cost_per_token: 0.000_01 };
const PRICED = {
  ...PLAIN,
  cache_creation_input_token_cost: 0.001,
  cache_creation_input_token_cost_above_1hr: 0.01,
  input_cost_per_token_above_200k_tokens: 0.01,
  output_cost_per_token_above_200k_tokens: 0.01,
};
const TIERED = { ...PLAIN, input_cost_per_token_priority: 0.01, output_cost_per_token_priority: 0.01 };

beforeAll(async () => {
  upstream = await Upstream.start();
  const entry = (model_name: string, model: string, model_info: object, params: object = {}) => ({
    model_name,
    litellm_params: { model, api_key: 'sk-x', api_base: upstream.url, ...params },
    model_info,
  });
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        entry('m-claude', 'anthropic/m', PRICED),
        entry('m-tiers', 'openai/m', TIERED),
        entry('m-default', 'openai/m', TIERED, { service_tier: 'default' }),
      ],
    },
  });
});
afterAll(() => closeAll(gateway, upstream));

const mark = (more: object = {}) => [
  { type: 'text', text: 'x', cache_control: { type: 'ephemeral', ...more } },
];

it.each<[string, string, object, number, number]>([
  ['a body without a mark is held without cache writes', 'm-claude', {}, 0.03, 200],
  ['… with a mark it is held for one', 'm-claude', { content: mark() }, 0.03, 400],
  ['… of five minutes', 'm-claude', { content: mark({ ttl: '5m' }) }, 0.5, 200],
  ['… of an hour', 'm-claude', { content: mark({ ttl: '1h' }) }, 0.5, 400],
  ['… which a larger budget pays', 'm-claude', { content: mark({ ttl: '1h' }) }, 5, 200],
  ['without a tier, any may answer', 'm-tiers', {}, 0.1, 400],
  ['… auto is the same', 'm-tiers', { service_tier: 'auto' }, 0.1, 400],
  ['the default tier has the plain price', 'm-tiers', { service_tier: 'default' }, 0.1, 200],
  ['… also if the deployment asks for it', 'm-default', {}, 0.1, 200],
  ['… but not if the client asks for another', 'm-default', { service_tier: 'priority' }, 0.1, 400],
])('%s', async (_, model, { content = 'x', ...more }: { content?: unknown }, budget, status) => {
  const key = await gateway.createKey({ max_budget: budget });
  const path = model === 'm-claude' ? '/v1/messages' : '/v1/chat/completions';
  const body = { model, max_tokens: 300, messages: [{ role: 'user', content }], ...more };
  const response = await gateway.as(key, 'POST', path, body);
  const refused = response.status === 429 ? 400 : response.status;
  expect([refused, JSON.stringify(response.body).slice(0, 300)]).toEqual([status, expect.anything()]);
}); // prettier-ignore

it('the public prices of a model are the plain ones', async () => {
  const { body } = await gateway.admin('GET', '/model_group/info?model_group=m-claude');
  expect(body).toMatchObject({ data: [{ input_cost_per_token: 0.000_01, output_cost_per_token: 0.000_01 }] });
});
