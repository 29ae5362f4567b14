import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DenialCode, DENIALS, type DenialKind } from '../../src/policy/decision.js';
import { Gateway, model } from '../harness/gateway.js';
import {
  type Given,
  globalAliases,
  type Scenario,
  scenarios,
  served,
  settingsOf,
} from '../harness/scenarios.js';
import { Upstream } from '../harness/upstream.js';

/** Status and type that a refusal must have on the wire. A code without an entry has those of its kind. */
const STATUS_OF_CODE: Partial<Record<DenialCode, readonly [number, RegExp]>> = {
  key_blocked: [401, /^auth_error$/],
  key_expired: [401, /^expired_key$/],
  route_not_allowed: [403, /^auth_error$/],
  party_blocked: [403, /^auth_error$/],
  request_malformed: [400, /^bad_request_error$/],
  param_missing: [400, /^bad_request_error$/],
  model_missing: [400, /^bad_request_error$/],
  model_unknown: [400, /^bad_request_error$/],
  model_not_allowed: [403, /^(key|team|user|org)_model_access_denied$/],
  budget_exceeded: [429, /^budget_exceeded$/],
};
const STATUS_OF_KIND: Partial<Record<DenialKind, readonly [number, RegExp]>> = {
  unauthenticated: [401, /^auth_error$/],
  forbidden: [403, /^auth_error$/],
  malformed: [400, /^bad_request_error$/],
};

let upstream: Upstream;
beforeAll(async () => void (upstream = await Upstream.start()));
afterAll(() => upstream.close());

let serial = 0;

describe.each(Object.entries(settingsOf))('over HTTP, the gateway (%s)', (settings, config) => {
  let gateway: Gateway;
  beforeAll(async () => {
    const { litellm_settings = {}, ...rest } = config;
    gateway = await Gateway.start({
      upstream,
      config: {
        ...rest,
        litellm_settings: { model_alias_map: globalAliases, ...litellm_settings },
        model_list: served.map(({ name, groups, price }) =>
          model(
            name,
            upstream.url,
            { access_groups: groups ?? [], input_cost_per_token: 0, output_cost_per_token: price },
            { model: `openai/${name}` },
          ),
        ),
      },
    });
  });
  afterAll(async () => {
    await gateway.close();
  });

  it.each(scenarios.filter((scenario) => (scenario.settings ?? 'default') === settings))(
    '$of: $name: $then',
    async (scenario) => {
      const { key, endUserId, tags } = await arranged(gateway, scenario);
      const before = upstream.calls.length;
      upstream.behave = () => ({});

      const { when = {} } = scenario;
      const path = when.path ?? '/v1/chat/completions';
      const inPath = /\/(?:engines|deployments)\//.test(path);
      const answer =
        when.method === 'GET'
          ? await gateway.as(key, 'GET', path)
          : await gateway.as(key, 'POST', path, {
              messages: [{ role: 'user', content: 'hi' }],
              max_tokens: 10,
              ...when.body,
              ...(endUserId !== undefined && { user: endUserId }),
              ...(tags && { tags }),
              ...('model' in when ? { model: when.model } : !inPath && { model: 'gpt-4o' }),
            });

      const called = upstream.calls.length - before;
      if (scenario.then === 'allowed') {
        expect({ status: answer.status, called, body: answer.body?.error }).toEqual({
          status: 200,
          called: when.method === 'GET' ? 0 : 1,
          body: undefined,
        });
        return;
      }
      const [status, type] = (STATUS_OF_CODE[scenario.then] ?? STATUS_OF_KIND[DENIALS[scenario.then]])!;
      expect({ status: answer.status, called }).toEqual({ status, called: 0 });
      expect(answer.body.error).toMatchObject({ code: String(status), type: expect.stringMatching(type) });
      expect(answer.body.error.details).toMatchObject({
        check: expect.any(String),
        retryable: false,
        request_id: expect.any(String),
      });
    },
  );
});

/** Makes the parties of a scenario. They really spend the amount `spent` before their limits are set. */
async function arranged(
  gateway: Gateway,
  { key = {}, team, user, member, organization, endUser, tag, settings }: Scenario,
) {
  const id = `s${++serial}`;
  const without = ({ models, ...rest }: Given & { model_aliases?: object }) => ({
    models,
    model_aliases: rest.model_aliases,
  });
  if (organization)
    await gateway.create('/organization/new', { organization_id: id, organization_alias: id });
  if (team || organization) {
    const { model_aliases } = (team ?? {}) as { model_aliases?: object };
    await gateway.create('/team/new', {
      team_id: id,
      model_aliases,
      ...(organization && { organization_id: id }),
    });
  }
  if (user) await gateway.create('/user/new', { user_id: id, auto_create_key: false });
  if (member)
    await gateway.create('/team/member_add', { team_id: id, member: { role: 'user', user_id: id } });
  if (endUser) await gateway.create('/customer/new', { user_id: id });
  if (tag) await gateway.create('/tag/new', { name: id });
  const { duration, spent: _, blocked, max_budget, models, fields, ...atOnce } = key;
  const secret = await gateway.createKey({
    ...(user && { user_id: id }),
    ...((team || organization) && { team_id: id }),
    aliases: atOnce.aliases,
  });

  const spent = Math.max(
    0,
    ...[key, team, user, member, organization, endUser, tag].map((setup) => setup?.spent ?? 0),
  );
  if (spent) {
    upstream.behave = () => ({ completionTokens: Math.round(spent * 1_000) });
    const call = {
      model: 'gpt-4o',
      max_tokens: Math.round(spent * 1_000),
      ...(endUser && { user: id }),
      ...(tag && { tags: [id] }),
    };
    // One key uses up the proxy's budget for all its scenarios.
    const { status } = await gateway.chat(secret, call);
    expect(status).toBe(settings === 'globally exhausted' && status === 429 ? 429 : 200);
  }

  const set = async (path: string, ids: object, setup: Given | undefined) => {
    if (!setup) return;
    const { status, text } = await gateway.admin(path === '/organization/update' ? 'PATCH' : 'POST', path, {
      ...ids,
      ...without(setup),
      max_budget: setup.max_budget,
      blocked: setup.blocked,
      ...setup.fields,
    });
    if (status !== 200) throw new Error(text);
  };
  await set('/organization/update', { organization_id: id }, organization);
  await set('/team/update', { team_id: id }, team);
  await set('/user/update', { user_id: id }, user);
  await set('/customer/update', { user_id: id }, endUser && { ...endUser, models: undefined as never });
  await set('/tag/update', { name: id }, tag && { ...tag, models: undefined as never });
  if (member) {
    await gateway.create('/team/member_update', {
      team_id: id,
      user_id: id,
      max_budget_in_team: member.max_budget,
      allowed_models: member.models,
    });
  }
  await gateway.create('/key/update', {
    key: secret,
    ...atOnce,
    ...fields,
    models,
    max_budget,
    blocked,
    duration,
  });
  return { key: secret, endUserId: endUser ? id : undefined, tags: tag && [id] };
}
