import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves which names a caller may write for a model, and that no name gets round lists, groups, limits or prices. */

let upstream: Upstream;
let gateway: Gateway;
let everything: string;
beforeAll(async () => {
  upstream = await Upstream.start();
  const entry = (model_name: string, model: string, model_info: object = {}) => ({
    model_name,
    litellm_params: { model, api_key: 'sk-x', api_base: upstream.url },
    model_info,
  });
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        entry('openai/*', 'openai/*', { access_groups: ['oai'] }),
        entry('anthropic/*', 'anthropic/*', { access_groups: ['ant'] }),
        entry('openai/o1', 'openai/own-o1', { access_groups: ['priv'] }),
        entry('fo::*:static::*', 'openai/fo::*:static::*'),
        entry('plain', 'openai/gpt-4o-2024-08-06', { id: 'dep-plain', access_groups: ['eu'] }),
        entry('plain', 'openai/gpt-4o-2024-11-20', { id: 'dep-us', access_groups: ['us'] }),
        entry('x,y', 'openai/named-with-comma'),
      ],
      router_settings: {
        model_group_alias: { smart: 'gpt-4o-mini', ghost: { model: 'plain', hidden: true } },
      },
    },
  });
  everything = await gateway.createKey();
});
afterAll(() => closeAll(gateway, upstream));

const chat = (key: string, model: string, more: object = {}) =>
  gateway.chat(key, { model, max_tokens: 1, ...more });
const called = (answer: Answer) => (answer.status === 200 ? upstream.calls.at(-1)!.model : answer.status);
const evaluated = async (key: string, model: string) =>
  (
    await gateway.admin('POST', '/access/v1/evaluation', {
      subject: { type: 'key', id: key },
      action: { name: 'call' },
      resource: { type: 'model', id: model },
    })
  ).body.decision as boolean;

describe('a call', () => {
  it.each<[string, object, string, string | number]>([
    ['a bare name', {}, 'gpt-4o-mini', 'gpt-4o-mini'],
    ['an alias of a bare name', {}, 'smart', 'gpt-4o-mini'],
    ['a fine-tuned model', {}, 'ft:gpt-4o-mini:acme::x1', 'ft:gpt-4o-mini:acme::x1'],
    ['a bare name in the group of its wildcard', { models: ['oai'] }, 'gpt-4o-mini', 'gpt-4o-mini'],
    ['a bare name in another group', { models: ['ant'] }, 'gpt-4o-mini', 403],
    ['a bare name that the list has', { models: ['gpt-4o-mini'] }, 'gpt-4o-mini', 'gpt-4o-mini'],
    ['a bare name that the pattern allows', { models: ['openai/gpt-*'] }, 'gpt-4o-mini', 'gpt-4o-mini'],
    ['a bare name that the pattern does not allow', { models: ['openai/gpt-*'] }, 'o3-mini', 403],
    ['a deployment behind a bare name, out of its group', { models: ['oai'] }, 'o1', 403],
    ['a deployment behind a bare name, in its group', { models: ['priv'] }, 'o1', 'own-o1'],
    ['another letter case', {}, 'GPT-4o-mini', 400],
    ['another letter case, by a pattern', { models: ['openai/*'] }, 'GPT-4o-mini', 403],
    ['a wildcard of two stars', {}, 'fo::hi:static::you', 'fo::hi:static::you'],
    ['an id', {}, 'dep-us', 'gpt-4o-2024-11-20'],
    ['an id that the list has', { models: ['dep-us'] }, 'dep-us', 'gpt-4o-2024-11-20'],
    ['an id in its group', { models: ['us'] }, 'dep-us', 'gpt-4o-2024-11-20'],
    ['an id out of its group', { models: ['eu'] }, 'dep-us', 403],
    ['an id for a list of its name', { models: ['plain'] }, 'dep-us', 403],
    ['an id for a pattern', { models: ['dep-*'] }, 'dep-us', 403],
    ['a name with a comma', {}, 'x,y', 'named-with-comma'],
  ])('%s', async (_, fields, model, expected) => {
    const key = await gateway.createKey(fields);
    expect(called(await chat(key, model))).toBe(expected);
    expect(await evaluated(key, model)).toBe(typeof expected === 'string');
    const { status } = await gateway.as(key, 'GET', `/v1/models/${encodeURIComponent(model)}`);
    expect(status).toBe(typeof expected === 'string' ? 200 : 404);
  });

  it.each([
    ['/v1/chat/completions', { messages: [] }],
    ['/v1/responses', { input: '' }],
    ['/v1/embeddings', { input: '' }],
    ['/v1/messages', { messages: [], max_tokens: 1 }],
    ['/v1/completions', { prompt: '' }],
    ['/engines/gpt-4o-mini,o3-mini/chat/completions', { messages: [] }],
    ['/openai/deployments/gpt-4o-mini,o3-mini/chat/completions', { messages: [] }],
  ])('of several models at %s is 400, and no provider is asked', async (path, body) => {
    const before = upstream.calls.length;
    const model = path.includes(',') ? {} : { model: 'openai/gpt-4o-mini,o3-mini' };
    const { status, text } = await gateway.as(everything, 'POST', path, { ...model, ...body });
    expect([status, upstream.calls.length]).toEqual([400, before]);
    expect(text).toContain('One model a call');
  });

  it('names no such fallback either', async () => {
    const answer = await chat(everything, 'plain', { fallbacks: ['openai/gpt-4o-mini,o3-mini'] });
    expect([answer.status, answer.body.error.param]).toEqual([400, 'fallbacks']);
  });

  it('by the provider’s name is told what to write, as far as the caller may', async () => {
    const upstreamName = 'named-with-comma';
    const message = async (fields: object) =>
      (await chat(await gateway.createKey(fields), upstreamName)).body.error.message as string;
    expect(await message({})).toContain('Write the name that it has here: x,y.');
    expect(await message({ models: ['named-*'] })).toContain('Call `/v1/models`');
  });
});

describe('a limit for one model', () => {
  it.each([
    ['openai/gpt-4o-mini', 'gpt-4o-mini'],
    ['openai/gpt-4o-mini', 'smart'],
    ['gpt-4o-mini', 'openai/gpt-4o-mini'],
    ['plain', 'dep-plain'],
  ])('%s counts for calls of %s', async (limited, model) => {
    const requests = await gateway.createKey({ model_rpm_limit: { [limited]: 1 } });
    expect([(await chat(requests, model)).status, (await chat(requests, model)).status]).toEqual([200, 429]);
    const budget = await gateway.createKey({
      model_max_budget: { [limited]: { budget_limit: 0, time_period: '1d' } },
    });
    expect((await chat(budget, model)).status).toBe(429);
    expect((await chat(budget, 'openai/o3-mini')).status).toBe(200);
  });
});

it('the suffix [1m] is taken off a bare name that a wildcard serves, and the price is the model’s', async () => {
  const key = await gateway.createKey({ models: ['claude-sonnet-4-5'] });
  for (const model of ['claude-sonnet-4-5[1m]', 'claude-sonnet-4-5[1M]']) {
    const answer = await gateway.as(key, 'POST', '/v1/messages', { model, messages: [{ role: 'user', content: 'x' }], max_tokens: 1 }); // prettier-ignore
    expect(called(answer)).toBe('claude-sonnet-4-5');
    expect(await evaluated(key, model)).toBe(true);
  }
  expect((await chat(key, 'claude-sonnet-4-5[2m]')).status).toBe(403);
});

it('a hidden alias is called and described, and not listed', async () => {
  expect(called(await chat(everything, 'ghost'))).toMatch(/^gpt-4o-2024/);
  for (const path of ['/v1/models', '/model_group/info']) {
    const { text } = await gateway.as(everything, 'GET', path);
    expect([text.includes('"smart"'), text.includes('"ghost"')]).toEqual([true, false]);
  }
});

it('a refusal names access groups by their names', async () => {
  const { body } = await gateway.admin('POST', '/v1/access_group', {
    access_group_name: 'readable',
    access_model_names: ['plain'],
  });
  const id = body.access_group_id as string;
  const key = await gateway.createKey({ access_group_ids: [id] });
  const { message } = (await chat(key, 'x,y')).body.error;
  expect(message).toContain('[readable]');
  expect(message).not.toContain(id);
});
