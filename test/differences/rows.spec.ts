import { afterAll, beforeAll, expect, it } from 'vitest';
import { windowAt } from '../../src/calendar/windows.js';
import { modelWindow } from '../../src/parties/budget-windows.js';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves rows of `docs/differences.md` that no other spec shows. */

const free = { input_cost_per_token: 0, output_cost_per_token: 0 };
let upstream: Upstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await Upstream.start();
  const { url } = upstream;
  gateway = await Gateway.start({
    upstream,
    config: {
      litellm_settings: { max_budget: 0 },
      model_list: [
        model('m', url, { input_cost_per_token: 0, output_cost_per_token: 0.001 }),
        model('blank ', url, { ...free, id: 'blank' }),
        model('or/*', url, free, { model: 'openrouter/*', api_base: url }),
        model('or/openrouter/auto', url, { ...free, id: 'auto' }),
        model('claude', url.replace(/\/v1$/, ''), free, { model: 'anthropic/up-claude' }),
      ],
    },
  });
});
afterAll(() => closeAll(gateway, upstream));

const status = async (key: string, name: string) =>
  (await gateway.chat(key, { model: name, max_tokens: 1 })).status;

it('windows of `model_max_budget` are those of the calendar, other durations are counted from 1970', () => {
  const startOf = (duration: string) =>
    windowAt(modelWindow(duration)!, 'UTC', new Date('2026-11-25T12:00:00Z')).start.toISOString();
  expect(startOf('1mo')).toBe('2026-11-01T00:00:00.000Z');
  expect(startOf('1d')).toBe('2026-11-25T00:00:00.000Z');
  expect(Date.parse(startOf('7h')) % (7 * 3_600_000)).toBe(0);
});

it('an expired key is refused as expired, whatever model it asks for', async () => {
  const key = await gateway.createExpiredKey();
  const { body } = await gateway.chat(key, { model: 'nobody-serves-it' });
  expect(body.error).toMatchObject({ type: 'expired_key', code: '401' });
});

it('`litellm_settings.max_budget: 0` is no budget', async () => {
  expect(await status(await gateway.createKey(), 'm')).toBe(200);
  expect(await status(await gateway.createKey({ max_budget: 0 }), 'm')).toBe(429);
});

it('a deployment of the file whose name has blanks at its ends is left out', async () => {
  const { body } = await gateway.admin('GET', '/model/info');
  const ids = (body.data as { model_info: { id: string } }[]).map(({ model_info }) => model_info.id);
  expect([ids.includes('auto'), ids.includes('blank')]).toEqual([true, false]);
});

it('an own entry serves a name by which an aggregator calls any model, and a wildcard does not', async () => {
  const key = await gateway.createKey();
  expect(await status(key, 'or/openrouter/auto')).toBe(200);
  expect(await status(key, 'or/openrouter/free')).toBe(400);
});

it('a suffix [1m] is removed where tokens are counted', async () => {
  const messages = [{ role: 'user', content: 'hi' }];
  const answer = await gateway.admin('POST', '/v1/messages/count_tokens', { model: 'claude[1m]', messages });
  expect([answer.status, upstream.calls.at(-1)?.model]).toEqual([200, 'up-claude']);
});

it('a stored response is neither read nor deleted', async () => {
  for (const method of ['GET', 'DELETE'] as const)
    expect((await gateway.admin(method, '/v1/responses/resp_1')).status).toBe(404);
});
