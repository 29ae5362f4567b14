import type { Books } from './books.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectTrueBooks } from './books.js';
import { Gateway } from './gateway.js';
import { Upstream } from './upstream.js';

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const question = (id: string, model = 'm-out', body: object = { max_tokens: 10 }) => ({
  subject: { type: 'key', id },
  action: { name: 'call' },
  resource: { type: 'model', id: model },
  context: { body },
});
const ask = (asker: string, body: object) => gateway.as(asker, 'POST', '/access/v1/evaluation', body);

/** Everything that money did. An account with nothing on it is none of it. */
const moved = ({ entries, spent, held }: Books) => ({
  entries,
  spent: [...spent].filter(([, amount]) => amount),
  held: [...held].filter(([, amount]) => amount),
});

describe('an explanation', () => {
  it('says what every check said, in policy order, with the numbers', async () => {
    const key = await gateway.givenKey({ max_budget: 0.005 });
    const { status, body, text } = await ask(gateway.masterKey, question(key));
    expect(status).toBe(200);
    expect(body.decision).toBe(false);
    expect(body.context).toMatchObject({
      code: 'budget_exceeded',
      details: { check: 'budgetsHaveRoom', limit: 0.005, spent: 0, held: 0, needed: 0.01, retryable: false },
    });
    expect(body.context.trace[0]).toEqual({
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
      const key = await gateway.givenKey(fields);
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
    expectTrueBooks(await gateway.books());
  });

  it('is given to a key about itself, by name or id, and about nobody else', async () => {
    const made = await gateway.made('/key/generate', {});
    const other = await gateway.givenKey();
    expect((await ask(made.key, question(made.key))).body.decision).toBe(true);
    expect((await ask(made.key, question(made.token))).body.decision).toBe(true);
    for (const somebody of [other, 'sk-nobody-at-all-123', gateway.masterKey]) {
      expect((await ask(made.key, question(somebody))).status).toBe(403);
    }
  });

  it('is given about the master key and unknown keys too', async () => {
    expect((await ask(gateway.masterKey, question(gateway.masterKey))).body.decision).toBe(true);
    const { body } = await ask(gateway.masterKey, question('sk-nobody-at-all-123'));
    expect(body).toMatchObject({ decision: false, context: { code: 'key_unknown' } });
  });

  it('answers several questions that share what they leave out', async () => {
    const key = await gateway.givenKey({ models: ['m-free'] });
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

  it('wants a whole question', async () => {
    const { status, body } = await ask(gateway.masterKey, { action: { name: 'call' } });
    expect(status).toBe(422);
    expect(body.error.type).toBe('validation_error');
    expect(body.error.details.fields.map(({ field }: { field: string }) => field)).toEqual(
      expect.arrayContaining(['subject', 'resource']),
    );
  });
});

describe('the list of models', () => {
  it('holds exactly what a call passes for', async () => {
    await gateway.made('/team/new', { team_id: 'listing', models: ['m-out', 'm-free', 'm-unpriced'] });
    for (const fields of [
      {},
      { models: ['m-free'] },
      { team_id: 'listing' },
      { team_id: 'listing', max_budget: 5 },
      { models: ['no-default-models'] },
    ]) {
      const key = await gateway.givenKey(fields);
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
