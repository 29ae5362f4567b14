import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { manyCalls } from '../harness/many-calls.js';
import { Upstream } from '../harness/upstream.js';

/** Proves the settings by which LiteLLM's file restricts who may call, and how much a new party may spend. */

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => void (upstream = await Upstream.start()));
afterAll(() => closeAll(upstream));
afterEach(() => closeAll(gateway));

const start = async (config: Record<string, unknown>) => {
  gateway = await Gateway.start({ upstream, config });
};
const from = (address: string) => ({ 'x-forwarded-for': address });
const chat = { model: 'm-free', max_tokens: 1, messages: [{ role: 'user', content: 'Hello!' }] };

describe('general_settings', () => {
  it('allowed_ips: calls come from these addresses, whoever makes them', async () => {
    const general_settings = { allowed_ips: ['203.0.113.0/24', '127.0.0.1'], trusted_proxies: ['127.0.0.1'] };
    await start({ general_settings });
    const key = await gateway.createKey();
    const calls = upstream.calls.length;
    const seen = async (secret: string, path: string, address: string) => {
      const body = path.includes('chat') ? chat : undefined;
      const { status, body: answer } = await gateway.as(secret, body ? 'POST' : 'GET', path, body, from(address)); // prettier-ignore
      return [status, answer.error?.type, answer.error?.details?.check, answer.error?.message];
    };
    const refused = (address: string) => [403, 'auth_error', 'addressIsAllowed', `Access forbidden: IP address ${address} not allowed.`]; // prettier-ignore
    expect(await seen(key, '/v1/chat/completions', '203.0.113.9')).toEqual([
      200,
      undefined,
      undefined,
      undefined,
    ]);
    expect(await seen(key, '/v1/chat/completions', '198.51.100.1')).toEqual(refused('198.51.100.1'));
    expect(await seen(key, '/v1/models', '2001:db8::1')).toEqual(refused('2001:db8::1'));
    expect(await seen(gateway.masterKey, '/key/list', '198.51.100.1')).toEqual(refused('198.51.100.1'));
    expect(await seen('sk-unknown-key', '/key/list', '198.51.100.1')).toEqual(refused('198.51.100.1'));
    // The last untrusted address counts: a client cannot name itself another one.
    expect(await seen(key, '/v1/models', '203.0.113.9, 198.51.100.1')).toEqual(refused('198.51.100.1'));
    expect(await seen(key, '/v1/models', '198.51.100.1, ::ffff:203.0.113.7')).toEqual([200, undefined, undefined, undefined]); // prettier-ignore
    // An address that a proxy does not know is none that is allowed.
    expect(await seen(key, '/v1/models', '198.51.100.1, unknown')).toEqual(refused('unknown'));
    expect(upstream.calls.length - calls).toBe(1);
    expect((await gateway.send('GET', '/health/liveliness')).status).toBe(200);
  });

  it('allowed_ips: an empty list admits nobody', async () => {
    await start({ general_settings: { allowed_ips: [] } });
    expect((await gateway.as(gateway.masterKey, 'GET', '/key/list')).status).toBe(403);
  });

  it('allowed_routes and admin_only_routes: what they close is closed in every spelling', async () => {
    const general_settings = {
      allowed_routes: ['openai_routes', '/key/generate', '/v1/messages'],
      admin_only_routes: ['/v1/embeddings'],
    };
    await start({ general_settings });
    const key = await gateway.createKey();
    const status = async (secret: string, path: string, body: object) =>
      (await gateway.as(secret, 'POST', path, body)).status;
    const embedding = { model: 'm-embed', input: 'a' };
    expect(await status(key, '/v1/chat/completions', chat)).toBe(200);
    expect(await status(key, '/chat/completions', chat)).toBe(200);
    expect(await status(key, '/v1/messages/count_tokens', chat)).toBe(403);
    expect(await status(gateway.masterKey, '/team/new', {})).toBe(403);
    for (const path of ['/v1/embeddings', '/embeddings', '/engines/m-embed/embeddings', '/openai/deployments/m-embed/embeddings']) {
      expect([path, await status(key, path, embedding)]).toEqual([path, 403]);
      expect([path, await status(gateway.masterKey, path, embedding)]).toEqual([path, 200]);
    } // prettier-ignore
  });
});

describe('litellm_settings', () => {
  const call = (key: string, user: string) => gateway.chat(key, { model: 'm-out', max_tokens: 1, user });
  const general_settings = { budget_wait_ms: 0, budget_clamp: false };

  it('max_end_user_budget: the budget of every end user, also of one who is new', async () => {
    await start({ litellm_settings: { max_end_user_budget: 0.002 }, general_settings });
    await gateway.create('/customer/new', { user_id: 'rich', max_budget: 1 });
    const key = await gateway.createKey();
    const statuses = async (user: string) =>
      (await manyCalls(6, () => call(key, user))).map(({ status }) => status).toSorted((a, b) => a - b);
    const spent = async (user: string) =>
      (await gateway.admin('GET', `/customer/info?end_user_id=${user}`)).body.spend;
    expect(await statuses('new')).toEqual([200, 200, 429, 429, 429, 429]);
    expect(await statuses('rich')).toEqual(Array(6).fill(200));
    expect([await spent('new'), await spent('rich')]).toEqual([0.002, 0.006]);
  });

  it('validate_end_user_id_in_db: an end user that no row names is left out of the call', async () => {
    await start({ litellm_settings: { validate_end_user_id_in_db: true } });
    await gateway.create('/customer/new', { user_id: 'customer' });
    await gateway.create('/user/new', {
      user_id: 'u',
      user_email: 'Anna@example.com',
      auto_create_key: false,
    });
    const key = await gateway.createKey();
    for (const user of [
      'customer',
      'u',
      'anna@example.com',
      'stranger',
      '{"session_id":"s1"}',
      'no@example.com',
    ])
      expect((await call(key, user)).status).toBe(200);
    const { body } = await gateway.admin('GET', '/customer/list');
    expect(body.map(({ user_id }: { user_id: string }) => user_id).toSorted()).toEqual(['anna@example.com', 'customer', 'u']); // prettier-ignore
  });

  it('default_team_params: limits of a new team, where its body leaves them open', async () => {
    const default_team_params = { max_budget: 5, budget_duration: '30d', rpm_limit: 7, team_member_permissions: ['/key/info', '/key/generate'] }; // prettier-ignore
    await start({ litellm_settings: { default_team_params }, general_settings });
    await gateway.create('/budget/new', { budget_id: 'tier', max_budget: 1 });
    const limits = async (team_id: string, fields: object) => {
      await gateway.create('/team/new', { team_id, ...fields });
      const { body } = await gateway.admin('GET', `/team/info?team_id=${team_id}`);
      const { max_budget, budget_duration, rpm_limit } = body.team_info;
      return [max_budget, budget_duration, rpm_limit];
    };
    expect(await limits('open', {})).toEqual([5, '30d', 7]);
    expect(await limits('null', { max_budget: null, budget_duration: null })).toEqual([5, null, 7]);
    expect(await limits('own', { max_budget: 1, budget_duration: '1d', rpm_limit: 0 })).toEqual([1, '1d', 0]);
    const { body } = await gateway.admin('GET', '/team/permissions_list?team_id=open');
    expect(body.team_member_permissions).toEqual(['/key/info', '/key/generate']);
    await gateway.create('/team/new', { team_id: 'tiered', budget_id: 'tier' });
    const key = await gateway.createKey({ team_id: 'tiered' });
    const { status, body: refused } = await gateway.chat(key, { model: 'm-out', max_tokens: 2_000 });
    expect([status, refused.error.details.scope.kind]).toEqual([429, 'team']);
  });
});
