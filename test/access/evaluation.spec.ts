import * as fc from 'fast-check';
import type { LedgerContents } from '../harness/ledger-reader.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectBalancedLedger } from '../harness/ledger-reader.js';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({
    upstream,
    config: {
      general_settings: { budget_wait_ms: 0 },
      litellm_settings: { max_end_user_budget_id: 'everybody' },
    },
  });
  await gateway.create('/budget/new', {
    budget_id: 'everybody',
    max_budget: 0.02,
    model_max_budget: { 'm-in': { max_budget: 0 } },
  });
});
afterAll(() => closeAll(gateway, upstream));

const question = (id: string, model = 'm-out', body: object = { max_tokens: 10 }) => ({
  subject: { type: 'key', id },
  action: { name: 'call' },
  resource: { type: 'model', id: model },
  context: { body },
});
const ask = (asker: string, body: object) => gateway.as(asker, 'POST', '/access/v1/evaluation', body);

/** Creates a key. A lifetime is set afterwards, because no key is created expired. */
const keyWith = async (fields: object): Promise<string> => {
  const { duration, ...limits } = fields as { duration?: string };
  const key = await gateway.createKey(limits);
  if (duration !== undefined) await gateway.create('/key/update', { key, duration });
  return key;
};

/** Returns every effect on money. Accounts without money are left out. */
const moved = ({ entries, spent, held }: LedgerContents) => ({
  entries,
  spent: [...spent].filter(([, amount]) => amount),
  held: [...held].filter(([, amount]) => amount),
});

describe('an explanation', () => {
  it('says what every check said, in policy order, with the numbers', async () => {
    const key = await gateway.createKey({ max_budget: 0.005 });
    const { status, body, text } = await ask(gateway.masterKey, question(key));
    expect(status).toBe(200);
    expect(body.decision).toBe(false);
    expect(body.context).toMatchObject({
      code: 'budget_exceeded',
      details: { check: 'budgetsHaveRoom', limit: 0.005, spent: 0, held: 0, needed: 0.01, retryable: false },
    });
    expect(body.context.trace[0].check).toBe('addressIsAllowed');
    expect(body.context.trace[1]).toEqual({
      check: 'credentialIsKnown',
      enforced_by: 'AuthChecksGuard',
      passed: true,
    });
    const trace = body.context.trace as { check: string }[];
    expect(trace.find(({ check }) => check === 'budgetsHaveRoom')).toMatchObject({
      passed: false,
      budgets: [{ scope: { kind: 'key' } }],
    });
    expect(text).not.toContain(key);
  });

  it('agrees with the call, and moves nothing', async () => {
    for (const [fields, model, extra] of [
      [{}, 'm-out', {}],
      [{ models: ['m-free'] }, 'm-out', {}],
      [{ models: ['m-free'] }, 'm-free', {}],
      [{ max_budget: 0 }, 'm-out', {}],
      [{ max_budget: 0 }, 'm-free', {}],
      [{ max_budget: 1 }, 'm-unpriced', {}],
      [{ blocked: true }, 'm-out', {}],
      [{ duration: '0s' }, 'm-out', {}],
      [{ allowed_routes: ['info_routes'] }, 'm-out', {}],
      [{}, 'nobody', {}],
      [{ models: ['m-out'] }, 'm-out', { fallbacks: ['m-deny'] }],
      [{}, 'm-out', { n: -1 }],
    ] as const) {
      const key = await keyWith(fields);
      const before = moved(await gateway.books());
      const { body } = await ask(gateway.masterKey, question(key, model, { max_tokens: 10, ...extra }));
      expect(moved(await gateway.books())).toEqual(before);
      const call = await gateway.chat(key, { model, max_tokens: 10, ...extra });
      expect({ fields, decision: body.decision }).toEqual({ fields, decision: call.status === 200 });
      if (!body.decision) {
        const untimed = (text: string) => text.replace(/ and current time .*/, '');
        expect(untimed(call.body.error.message)).toBe(untimed(body.context.reason));
        expect(call.body.error.details).toMatchObject(body.context.details);
      }
    }
    expectBalancedLedger(await gateway.books());
  });

  it('is given to a key about itself, by name or id, and about nobody else', async () => {
    const created = await gateway.create('/key/generate', {});
    const other = await gateway.createKey();
    expect((await ask(created.key, question(created.key))).body.decision).toBe(true);
    expect((await ask(created.key, question(created.token))).body.decision).toBe(true);
    for (const bearer of [other, 'sk-nobody-at-all-123', gateway.masterKey]) {
      expect((await ask(created.key, question(bearer))).status).toBe(403);
    }
  });

  it('is given about the master key and unknown keys too', async () => {
    expect((await ask(gateway.masterKey, question(gateway.masterKey))).body.decision).toBe(true);
    const { body } = await ask(gateway.masterKey, question('sk-nobody-at-all-123'));
    expect(body).toMatchObject({ decision: false, context: { code: 'key_unknown' } });
  });

  it.each<[string, (id: string) => [path: string, body: object], object, (id: string) => object]>([
    [
      'user',
      (user_id) => ['/user/new', { user_id, models: ['m-out'], max_budget: 0.02, auto_create_key: false }],
      {},
      (user_id) => ({ user_id }),
    ],
    [
      'team',
      (team_id) => ['/team/new', { team_id, models: ['m-out'], max_budget: 0.02 }],
      {},
      (team_id) => ({ team_id }),
    ],
    ['end_user', (user_id) => ['/customer/new', { user_id, max_budget: 0.02 }], { user: 'it' }, () => ({})],
  ])('of a %s is that of a key of theirs without limits of its own', async (type, make, naming, owner) => {
    const id = `subject-${type}`;
    await gateway.create(...make(id));
    const key = await gateway.createKey(owner(id));
    const endUser = 'user' in naming ? { user: id } : {};
    for (const [model, max_tokens] of [
      ['m-deny', 10],
      ['m-out', 10],
      ['m-out', 30],
      ['m-out', 10],
      ['m-out', 10],
    ] as const) {
      const { body } = await ask(gateway.masterKey, {
        ...question(id, model, { max_tokens, messages: [{ role: 'user', content: 'hi' }] }),
        subject: { type, id },
      });
      const call = await gateway.chat(key, { model, max_tokens, ...endUser });
      expect({ model, max_tokens, decision: body.decision, text: body.context.reason }).toEqual({
        model,
        max_tokens,
        decision: call.status === 200,
        text: call.body.error?.message,
      });
    }
    const { body } = await ask(gateway.masterKey, { ...question(id), subject: { type, id } });
    expect(body).toMatchObject({ decision: false, context: { details: { scope: { kind: type, id } } } });
  });

  it('of a user or team that is not there is a no', async () => {
    for (const type of ['user', 'team']) {
      const { body } = await ask(gateway.masterKey, { ...question('x'), subject: { type, id: 'nowhere' } });
      expect(body).toMatchObject({ decision: false, context: { code: 'party_missing' } });
    }
  });

  it('of an end user nobody has met knows the budget it would get, and does not make it', async () => {
    const subject = { type: 'end_user', id: 'never-met' };
    const key = await gateway.createKey();
    for (const [model, decision] of [
      ['m-in', false],
      ['m-out', true],
    ] as const) {
      const about = { ...question('x', model), subject };
      expect((await ask(gateway.masterKey, about)).body.decision).toBe(decision);
      const byKey = question(key, model, { max_tokens: 10, user: 'never-met' });
      expect((await ask(key, byKey)).body.decision).toBe(decision);
    }
    const met = () => gateway.admin('GET', '/customer/info?end_user_id=never-met');
    expect((await met()).status).toBe(404);
    expect((await gateway.chat(key, { model: 'm-out', max_tokens: 1, user: 'never-met' })).status).toBe(200);
    expect((await met()).body.spend).toBe(0.001);
    expect((await gateway.chat(key, { model: 'm-in', max_tokens: 1, user: 'never-met' })).status).toBe(429);
  });

  it('is given to a user about itself, and about nobody else', async () => {
    const me = (await gateway.create('/user/new', { user_id: 'me' })).key as string;
    await gateway.create('/user/new', { user_id: 'you' });
    const about = async (type: string, id: string) =>
      (await ask(me, { ...question('x'), subject: { type, id } })).status;
    expect(await about('user', 'me')).toBe(200);
    for (const [type, id] of [
      ['user', 'you'],
      ['user', 'nobody'],
      ['team', 'listing'],
      ['end_user', 'me'],
      ['key', 'me'],
    ] as const)
      expect({ type, id, status: await about(type, id) }).toEqual({ type, id, status: 403 });
  });

  it('is about any route at which a model is called, and about no other', async () => {
    const key = await gateway.createKey({ allowed_routes: ['/v1/embeddings', '/engines/m-out/completions'] });
    const about = async (name: string, model = 'm-out') =>
      (await ask(gateway.masterKey, { ...question(key, model, { input: 'x' }), action: { name } })).body;
    expect((await about('/v1/embeddings')).decision).toBe(true);
    expect((await about('/engines/{model}/completions')).decision).toBe(true);
    expect((await about('/engines/{model}/completions', 'm-free')).context.code).toBe('route_not_allowed');
    expect((await about('/v1/completions')).context.code).toBe('route_not_allowed');
    expect((await about('/key/info')).error).toMatchObject({ code: '422', param: 'action.name' });
    const elsewhere = await ask(gateway.masterKey, { ...question(key), context: { route: '/v1/nowhere' } });
    expect(elsewhere.body.error).toMatchObject({ code: '422', param: 'context.route' });
  });

  it('is of the body as it would be sent: another model in it is no good', async () => {
    const { body } = await ask(gateway.masterKey, question(gateway.masterKey, 'm-out', { model: 'm-free' }));
    expect(body).toMatchObject({ decision: false, context: { code: 'request_malformed' } });
  });

  it('answers several questions that share what they leave out', async () => {
    const key = await gateway.createKey({ models: ['m-free'] });
    const { subject, action } = question(key);
    const { body } = await gateway.as(key, 'POST', '/access/v1/evaluations', {
      subject,
      action,
      evaluations: [
        { resource: { type: 'model', id: 'm-free' } },
        { resource: { type: 'model', id: 'm-out' } },
      ],
    });
    expect(body.evaluations.map(({ decision }: { decision: boolean }) => decision)).toEqual([true, false]);
  });

  it.each([
    ['execute_all', ['m-free', 'm-out', 'm-free'], [true, false, true]],
    ['deny_on_first_deny', ['m-free', 'm-out', 'm-free'], [true, false]],
    ['permit_on_first_permit', ['m-out', 'm-free', 'm-out'], [false, true]],
  ])('%s: as many answers as it takes', async (evaluations_semantic, models, decisions) => {
    const key = await gateway.createKey({ models: ['m-free'] });
    const { subject, action } = question(key);
    const { body } = await gateway.as(key, 'POST', '/access/v1/evaluations', {
      subject,
      action,
      options: { evaluations_semantic },
      evaluations: models.map((id) => ({ resource: { type: 'model', id } })),
    });
    expect(body.evaluations.map(({ decision }: { decision: boolean }) => decision)).toEqual(decisions);
  });

  it('without any among several is the one that the whole amounts to', async () => {
    const key = await gateway.createKey();
    for (const more of [{}, { evaluations: [] }]) {
      const { body } = await gateway.as(key, 'POST', '/access/v1/evaluations', { ...question(key), ...more });
      expect(body.decision).toBe(true);
    }
  });

  it('that cannot be given is an error of its own among several', async () => {
    const key = await gateway.createKey();
    const other = await gateway.createKey();
    const { status, body } = await gateway.as(key, 'POST', '/access/v1/evaluations', {
      ...question(key),
      evaluations: [{ subject: { type: 'key', id: other } }, {}, { action: { name: '/key/info' } }],
    });
    expect(status).toBe(200);
    expect(body.evaluations).toMatchObject([
      { decision: false, context: { error: { status: 403 } } },
      { decision: true },
      { decision: false, context: { error: { status: 422 } } },
    ]);
  });

  it('wants a whole question', async () => {
    const { status, body } = await ask(gateway.masterKey, { action: { name: 'call' } });
    expect(status).toBe(422);
    expect(body.error.type).toBe('validation_error');
    expect(body.error.details.fields.map(({ field }: { field: string }) => field)).toEqual(
      expect.arrayContaining(['subject', 'resource']),
    );
  });
});

const rare = (...values: unknown[]) => fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(...values) }); // prettier-ignore
/** Delegated limits of a random caller, and its request. Teams, users and end users are shared, so their budgets fill up. */
const delegation = fc.record({
  models: rare(['m-out'], ['m-free', 'm-out'], ['m-*'], ['m-o*'], ['no-default-models']),
  max_budget: rare(0, 0.005, 0.01, 1),
  model_max_budget: rare({ 'm-out': { max_budget: 0.001 } }, { 'm-in': { max_budget: 1 } }),
  rpm_limit: rare(0, 1, 5),
  tpm_limit: rare(0, 1, 100),
  max_parallel_requests: rare(0, 1),
  blocked: rare(true),
  duration: rare('0s', '1d'),
  allowed_routes: rare(['llm_api_routes'], ['/v1/embeddings'], ['/v1/*'], ['info_routes']),
  aliases: fc.constant({ mine: 'm-out' }),
  user_id: fc.constantFrom(undefined, 'u0', 'u1', 'u2'),
  team_id: fc.constantFrom(undefined, 't0', 't1', 't2'),
});
const calls = fc.record({
  route: fc.constantFrom('/v1/chat/completions', '/completions', '/v1/embeddings', '/engines/{model}/completions'),
  model: fc.constantFrom('m-out', 'm-out', 'm-in', 'm-free', 'm-free', 'm-unpriced', 'mine', 'nobody', '*'),
  body: fc.record({
    max_tokens: fc.constantFrom(undefined, 0, 1, 5, 10, 2_000, -1, 'x'),
    n: rare(2, 999),
    user: rare('c0', 'c1', 'c2', 7),
    fallbacks: rare(['m-free'], ['m-deny']),
    stream: rare(true, 'yes'),
    tools: rare([{ type: 'web_search' }]),
    api_base: rare('http://127.0.0.1'),
    model: rare('m-out', 'm-free'),
  }),
}); // prettier-ignore
const definedOf = <T extends object>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
const SEED = 20_261_126;
const CASES = 300;

describe('300 random callers and calls', () => {
  beforeAll(async () => {
    for (const i of [0, 1, 2]) {
      const limits = [{}, { max_budget: 0.05, rpm_limit: 9 }, { models: ['m-free', 'm-in'] }][i]!;
      await gateway.create('/user/new', { user_id: `u${i}`, auto_create_key: false, ...limits });
      await gateway.create('/team/new', { team_id: `t${i}`, ...limits });
    }
  });

  it('are told what then happens, and asking changes nothing', async () => {
    const cases = fc.sample(fc.tuple(delegation, calls), { numRuns: CASES, seed: SEED });
    const seen = { allowed: 0, refused: new Set<string>() };
    for (const [limits, { route, model, body: extra }] of cases) {
      const body = definedOf(extra);
      const key = await keyWith(limits);
      const prompt = { messages: [], prompt: 'x', input: 'x', model, ...body };
      const asked = {
        subject: { type: 'key', id: key },
        action: { name: route },
        resource: { type: 'model', id: model },
        context: { body: prompt },
      };
      const { body: evaluation } = await ask(gateway.masterKey, asked);
      const call = await gateway.as(key, 'POST', route.replace('{model}', encodeURIComponent(model)), prompt);
      const inPath = route.includes('{') || body.model === undefined || body.model === model;
      // The call's resource is the model in the path, or else in the body. An evaluation of another model is denied.
      const verdict = inPath ? call.status === 200 : false;
      expect({ limits, route, model, body, decision: evaluation.decision, call: call.text }).toEqual({ limits, route, model, body, decision: verdict, call: call.text }); // prettier-ignore
      if (evaluation.decision) seen.allowed++;
      else seen.refused.add(evaluation.context.code);
      if (!evaluation.decision && inPath)
        expect(call.body.error.details.check).toBe(evaluation.context.details.check);
    }
    expect(seen.allowed).toBeGreaterThan(20);
    expect(seen.refused.size).toBeGreaterThan(8);
    expectBalancedLedger(await gateway.books());
  });

  it('move no counter by being asked about', async () => {
    const keys = await Promise.all(fc.sample(delegation, { numRuns: 20, seed: SEED }).map(keyWith));
    const counters = async () => {
      const { text } = await gateway.admin('GET', '/metrics');
      const spent = await Promise.all(keys.map((key) => gateway.spendOf(key)));
      return {
        spent,
        metrics: text.split('\n').filter((line) => /^tollgate_(?!nodejs|process|cache)/.test(line)),
      };
    };
    const before = { books: moved(await gateway.books()), ...(await counters()) };
    await Promise.all(
      fc.sample(calls, { numRuns: CASES, seed: SEED }).map(({ route, model, body }, i) =>
        ask(gateway.masterKey, {
          subject: { type: 'key', id: keys[i % keys.length] },
          action: { name: route },
          resource: { type: 'model', id: model },
          context: { body },
        }),
      ),
    );
    expect({ books: moved(await gateway.books()), ...(await counters()) }).toEqual(before);
  });
});

describe('the list of models', () => {
  it('holds exactly what a call passes for', async () => {
    await gateway.create('/team/new', { team_id: 'listing', models: ['m-out', 'm-free', 'm-unpriced'] });
    for (const fields of [
      {},
      { models: ['m-free'] },
      { team_id: 'listing' },
      { team_id: 'listing', max_budget: 5 },
      { models: ['no-default-models'] },
    ]) {
      const key = await gateway.createKey(fields);
      const listed = ((await gateway.as(key, 'GET', '/models')).body.data as { id: string }[]).map(
        ({ id }) => id,
      );
      const passing = [];
      for (const model of ['m-out', 'm-in', 'm-free', 'm-unpriced', 'm-deny', 'm-embed']) {
        if ((await gateway.chat(key, { model, max_tokens: 1 })).status === 200) passing.push(model);
      }
      expect({ fields, listed }).toEqual({ fields, listed: passing });
    }
  });
});
