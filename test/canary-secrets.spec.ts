import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Answer, Gateway, model } from './gateway.js';
import { Upstream } from './upstream.js';

const CANARY = {
  master: 'sk-canary-master-0001aaaa',
  salt: 'canary-salt-0002bbbb',
  configured: 'sk-canary-configured-0003cccc',
  added: 'sk-canary-added-0004dddd',
  header: 'canary-header-0005eeee',
  prompt: 'canary-prompt-0006ffff',
  chosen: 'sk-canary-chosen-0008hhhh',
  unknown: 'sk-canary-unknown-0007gggg',
};

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  const price = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
  gateway = await Gateway.start({
    upstream,
    env: { TOLLGATE_MASTER_KEY: CANARY.master, TOLLGATE_SALT_KEY: CANARY.salt },
    config: {
      general_settings: { decision_log: 'all' },
      model_list: [
        model('good', upstream.url, price, {
          api_key: CANARY.configured,
          extra_headers: { 'x-secret': CANARY.header },
        }),
        model('gone', 'http://127.0.0.1:9/v1', price, { api_key: CANARY.configured }),
      ],
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

it('no secret is anywhere but where it must be', async () => {
  const answers: Answer[] = [];
  const hear = async (answer: Promise<Answer>) => {
    answers.push(await answer);
    return answers.at(-1)!;
  };
  const { key } = (await gateway.admin('POST', '/key/generate', { max_budget: 1, key_alias: 'watched' }))
    .body as { key: string };
  const secrets = { ...CANARY, issued: key };
  const messages = [{ role: 'user', content: CANARY.prompt }];
  const chat = (name: string, body = {}) =>
    hear(gateway.as(key, 'POST', '/v1/chat/completions', { model: name, messages, max_tokens: 5, ...body }));

  await hear(
    gateway.admin('POST', '/model/new', {
      model_name: 'added',
      litellm_params: {
        model: 'openai/up',
        api_base: upstream.url,
        api_key: CANARY.added,
        output_cost_per_token: 0.001,
      },
    }),
  );
  expect((await chat('good')).status).toBe(200);
  expect((await chat('good', { stream: true })).status).toBe(200);
  expect((await chat('added')).status).toBe(200);
  expect(upstream.calls.map(({ headers }) => headers.authorization)).toContain(`Bearer ${CANARY.added}`);
  expect(upstream.calls[0]!.headers['x-secret']).toBe(CANARY.header);
  for (const behaviour of [
    {
      status: 500,
      errorBody: {
        error: {
          message: `Incorrect API key provided: ${CANARY.configured}, at http://h/?key=${CANARY.added}`,
        },
      },
    },
    { status: 401, errorBody: { error: `bad key ${CANARY.configured} ${CANARY.header}` } },
    { rawBody: `<html>${CANARY.configured}` },
    { reset: true },
  ]) {
    upstream.behave = () => behaviour;
    expect((await chat('good')).status).toBeGreaterThanOrEqual(400);
  }
  upstream.behave = () => ({});
  await chat('gone');
  await chat('nobody');
  await chat('good', { max_tokens: 5_000 });
  await chat('good', { api_key: 'x' });
  await hear(gateway.as(CANARY.unknown, 'GET', '/v1/models'));
  await hear(gateway.send('GET', '/v1/models', undefined, { authorization: CANARY.unknown }));
  await hear(gateway.send('GET', `/v1/models?key=${CANARY.unknown}`));
  for (const path of ['/health/liveliness', '/health/readiness', '/openapi.json', '/docs'])
    await hear(gateway.send('GET', path));
  for (const path of [
    '/model/info',
    '/spend/logs',
    '/global/spend',
    '/key/list?return_full_object=true',
    `/key/info?key=${key}`,
    '/key/info',
  ]) {
    await hear(gateway.admin('GET', path));
  }
  await gateway.made('/key/generate', { key: CANARY.chosen });
  await gateway.made('/key/update', { key: CANARY.chosen, max_budget: 1 });
  await gateway.made('/key/delete', { keys: [CANARY.chosen] });
  const { body: audit } = await hear(gateway.admin('GET', '/audit?page_size=100'));
  expect(audit.audit_logs.map(({ action }: { action: string }) => action).toSorted()).toEqual(
    ['created', 'created', 'created', 'deleted', 'updated'], // prettier-ignore
  );
  for (const { id } of audit.audit_logs as { id: string }[]) await hear(gateway.admin('GET', `/audit/${id}`));
  await hear(gateway.admin('POST', '/key/block', { key: CANARY.unknown }));
  await hear(gateway.admin('POST', '/key/generate', '{"max_budget": "x'));
  await hear(
    gateway.admin('POST', '/access/v1/evaluation', {
      subject: { type: 'key', id: key },
      action: { name: 'call' },
      resource: { type: 'model', id: 'good' },
    }),
  );
  expect(await gateway.terminate()).toBe(0);

  const told = new Map<string, string>();
  // What an administrator names in a request may be named back: `/key/info?key=…` echoes the key it was asked about.
  answers.forEach(({ text, headers }, i) =>
    told.set(`answer ${i}`, text.replaceAll(`"key":"${key}"`, '') + JSON.stringify(headers)),
  );
  told.set('output', gateway.logs);
  for (const file of readdirSync(gateway.dataFolder)) {
    if (file !== 'config.yaml') told.set(file, readFileSync(join(gateway.dataFolder, file), 'latin1'));
  }
  expect([...told.keys()]).toContain('tollgate.db');
  const found = [...told].flatMap(([place, text]) =>
    Object.entries(secrets).flatMap(([name, secret]) =>
      text.includes(secret) ? [`${name} in ${place}: ${text.slice(0, 200)}`] : [],
    ),
  );
  expect(found).toEqual([]);
});
