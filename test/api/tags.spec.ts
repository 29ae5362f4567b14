import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectBalancedLedger } from '../harness/ledger-reader.js';
import { type Answer, Gateway } from '../harness/gateway.js';
import { manyCalls } from '../harness/many-calls.js';
import { Upstream } from '../harness/upstream.js';

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream, config: { general_settings: { budget_clamp: false } } });
});
afterAll(async () => {
  expectBalancedLedger(await gateway.books());
  await gateway.close();
  await upstream.close();
});
let serial = 0;
let tag: string;
beforeEach(() => void (tag = `tag-${++serial}`));

/** A call that costs one cent. */
const CALL = { model: 'm-out', max_tokens: 10 };
const createTag = (fields: object = {}) => gateway.create('/tag/new', { name: tag, ...fields });
const info = async (name = tag) => (await gateway.create('/tag/info', { names: [name] }))[name];
const call = (key: string, body: object = {}, headers?: Record<string, string>) =>
  gateway.chat(key, { ...CALL, ...body }, headers);

describe('the tags of a call', () => {
  it.each<[string, () => Promise<Answer>]>([
    ['its body', async () => call(await gateway.createKey(), { tags: ['other', tag] })],
    ['its metadata', async () => call(await gateway.createKey(), { metadata: { tags: [tag] } })],
    ['its litellm_metadata', async () => call(await gateway.createKey(), { litellm_metadata: { tags: [tag] } })],
    ['its header', async () => call(await gateway.createKey(), {}, { 'x-litellm-tags': ` other , ${tag},` })],
    ['its key', async () => call(await gateway.createKey({ tags: [tag] }), { tags: ['other'] })],
    ['the metadata of its key', async () => call(await gateway.createKey({ metadata: { tags: [tag] } }))],
    ['its team', async () => {
      await gateway.create('/team/new', { team_id: tag, tags: [tag] });
      return call(await gateway.createKey({ team_id: tag }));
    }],
  ])('are those of %s', async (_, asked) => {
    await createTag({ max_budget: 0 });
    const { status, body } = await asked();
    expect({ status, error: body.error }).toMatchObject({
      status: 429,
      error: {
        type: 'budget_exceeded',
        message: expect.stringContaining(`Tag=${tag} over budget`),
        details: { scope: { kind: 'tag', id: tag } },
      },
    });
  }); // prettier-ignore

  it.each<[string, string, object, Record<string, string>?]>([
    ['tags that are no list', 'tags', { tags: 'a' }],
    ['a tag that is no text', 'metadata.tags', { metadata: { tags: [1] } }],
    ['a tag that says nothing', 'litellm_metadata.tags', { litellm_metadata: { tags: [''] } }],
    ['a tag that is too long', 'tags', { tags: ['x'.repeat(257)] }],
    ['a tag with a control character', 'tags', { tags: ['a\u0000b'] }],
    ['too many tags', 'tags', { tags: Array.from({ length: 33 }, (_, i) => `t${i}`) }],
    ['a header that is too long', 'x-litellm-tags', {}, { 'x-litellm-tags': 'x'.repeat(257) }],
  ])('are refused: %s', async (_, param, body, headers) => {
    const answer = await call(await gateway.createKey(), body, headers);
    expect({ status: answer.status, error: answer.body.error }).toMatchObject({
      status: 400,
      error: { type: 'bad_request_error', param },
    });
  });

  it('never reach the provider, wherever the call names them', async () => {
    const metadata = '{"tags" : ["\\u0061"],  "n": 1.0}';
    const text = `{"model":"m-out","max_tokens":1,"metadata":${metadata},"tags":["b"],"messages":[]}`;
    const key = await gateway.createKey();
    expect((await gateway.as(key, 'POST', '/v1/chat/completions', text)).status).toBe(200);
    const { body } = upstream.calls.at(-1)!;
    expect(Object.keys(body).toSorted()).toEqual(['max_tokens', 'messages', 'model']);
  });
});

describe('a tag with limits', () => {
  it('counts from the answer on that made it, for whoever used the name before', async () => {
    const key = await gateway.createKey();
    expect((await call(key, { tags: [tag] })).status).toBe(200);
    await createTag({ max_budget: 0 });
    expect((await call(key, { tags: [tag] })).status).toBe(429);
    await gateway.create('/tag/update', { name: tag, max_budget: 1 });
    expect((await call(key, { tags: [tag] })).status).toBe(200);
    await gateway.create('/tag/update', { name: tag, blocked: true });
    expect((await call(key, { tags: [tag] })).body.error.message).toContain(`Tag=${tag} is blocked`);
  });

  it('is billed once, also if it is named four times, and beside other tags', async () => {
    const other = `${tag}-other`;
    await createTag();
    await gateway.create('/tag/new', { name: other, max_budget: 1, budget_duration: '1d' });
    const key = await gateway.createKey({ tags: [tag] });
    const body = { tags: [tag, other, tag], metadata: { tags: [tag] } };
    expect((await call(key, body, { 'x-litellm-tags': `${tag},${tag}` })).status).toBe(200);
    expect([(await info()).spend, (await info(other)).spend]).toEqual([0.01, 0.01]);
  });

  it.each<[string, object]>([
    ['tier', { budget_id: 'a-cent' }],
    ['model', { model_max_budget: { 'm-out': { max_budget: 0.01, budget_duration: '1d' } } }],
    ['further windows', { max_budget: 5, budget_limits: [{ budget_duration: '1d', max_budget: 0.01 }] }],
    ['requests per minute', { rpm_limit: 1 }],
  ])('has them by %s', async (how, limits) => {
    if (how === 'tier') await gateway.create('/budget/new', { budget_id: 'a-cent', max_budget: 0.01 });
    await createTag(limits);
    const key = await gateway.createKey();
    const answers = [await call(key, { tags: [tag] }), await call(key, { tags: [tag] }), await call(key)];
    expect(answers.map(({ status }) => status)).toEqual([200, 429, 200]);
    expect(answers[1]!.body.error.details.scope).toEqual({ kind: 'tag', id: tag });
  });

  it('explains itself beforehand', async () => {
    await createTag({ max_budget: 0.005 });
    const key = await gateway.createKey();
    const question = {
      subject: { type: 'key', id: key },
      action: { name: 'call' },
      resource: { type: 'model', id: 'm-out' },
      context: { body: { max_tokens: 10, metadata: { tags: [tag] } } },
    };
    const { body } = await gateway.as(key, 'POST', '/access/v1/evaluation', question);
    expect(body).toMatchObject({
      decision: false,
      context: { code: 'budget_exceeded', details: { scope: { kind: 'tag', id: tag }, limit: 0.005, needed: 0.01 } },
    });
  }); // prettier-ignore
});

describe('new names', () => {
  it('never make a budget less exact', async () => {
    const key = await gateway.createKey({ max_budget: 1 });
    const known = new Set((await gateway.books()).entries.map(({ id }) => id));
    const answers = await manyCalls(1_000, (i) => call(key, { max_tokens: 100, tags: [`${tag}-${i}`] }));
    const counted = (wanted: number) => answers.filter(({ status }) => status === wanted).length;
    expect([counted(200), counted(429)]).toEqual([10, 990]);
    expect(await gateway.spendOf(key)).toBe(1);
    const entries = (await gateway.books()).entries.filter(({ id }) => !known.has(id));
    expect(entries.length).toBe(10);
  });
});

describe('reports', () => {
  it('tell the tags of every call, and what each cost', async () => {
    await gateway.create('/user/new', { user_id: tag, auto_create_key: false });
    const [mine, others] = [await gateway.createKey({ user_id: tag, tags: [`${tag}-k`] }), await gateway.createKey()];
    await call(mine, { tags: [`${tag}-b`, `${tag}-a`] });
    await call(mine, { tags: [`${tag}-a`] });
    await call(mine, { tags: [`${tag}-a`], model: 'm-unknown' });
    await call(others, { tags: [`${tag}-a`] });

    const logs = (await gateway.admin('GET', `/spend/logs?user_id=${tag}`)).body as { request_tags: string[] }[];
    expect(logs.map(({ request_tags }) => request_tags)).toEqual([
      [`${tag}-a`, `${tag}-k`],
      [`${tag}-a`, `${tag}-b`, `${tag}-k`],
    ]);

    const row = (name: string, calls: number) => ({ individual_request_tag: `${tag}-${name}`, log_count: calls, total_spend: calls / 100 });
    expect((await gateway.as(mine, 'GET', '/spend/tags')).body).toEqual([row('a', 2), row('k', 2), row('b', 1)]);
    expect((await gateway.admin('GET', '/spend/tags')).body).toEqual(expect.arrayContaining([row('a', 3), row('k', 2)]));

    const global = (query: string) => gateway.admin('GET', `/global/spend/tags?${query}`);
    expect((await global(`tags=${tag}-a,${tag}-b`)).body).toEqual({
      spend_per_tag: [
        { name: `${tag}-a`, spend: 0.03, log_count: 3 },
        { name: `${tag}-b`, spend: 0.01, log_count: 1 },
      ],
    });
    expect((await global(`tags=${tag}-a&start_date=2020-01-01&end_date=2020-01-02`)).body).toEqual({ spend_per_tag: [] });
    expect((await global('tags=all-tags')).body.spend_per_tag.length).toBeGreaterThan(2);
    expect((await global('start_date=yesterday')).status).toBe(422);

    const listed = async (key: string) => {
      const names: string[] = [];
      for (let page = 1; ; page++) {
        const { body } = await gateway.as(key, 'GET', `/tag/list?page=${page}&page_size=1000`);
        names.push(...(body as { name: string }[]).map(({ name }) => name));
        if (body.length < 1_000) return names;
      }
    };
    await gateway.create('/tag/new', { name: `${tag}-a` });
    expect((await listed(gateway.masterKey)).filter((name) => name.startsWith(`${tag}-`)).toSorted()).toEqual([`${tag}-a`, `${tag}-b`, `${tag}-k`]);
    expect((await listed(mine)).toSorted()).toEqual([`${tag}-a`, `${tag}-b`, `${tag}-k`]);
  }); // prettier-ignore
});

describe('a tag’s life', () => {
  it('has the shape LiteLLM gives it; limits of its own stand on top, its tier’s in the table', async () => {
    const { message, tag: row } = await createTag({
      description: 'D',
      models: ['m'],
      model_info: { id: 'm' },
    });
    expect(message).toBe(`Tag ${tag} created successfully`);
    expect(row).toEqual({
      name: tag,
      description: 'D',
      models: ['m'],
      model_info: { id: 'm' },
      metadata: {},
      blocked: false,
      spend: 0,
      litellm_budget_table: null,
      created_at: expect.any(String),
      created_by: 'default_user_id',
      updated_at: expect.any(String),
      updated_by: 'default_user_id',
    });
    await gateway.create('/budget/new', { budget_id: tag, max_budget: 3, tpm_limit: 7 });
    const updated = await gateway.create('/tag/update', { name: tag, budget_id: tag, tpm_limit: 5 });
    expect(updated.message).toBe(`Tag ${tag} updated successfully`);
    expect(updated.tag).toMatchObject({
      budget_id: tag,
      tpm_limit: 5,
      litellm_budget_table: { max_budget: 3, tpm_limit: 5 },
    });
    expect(updated.tag).not.toHaveProperty('max_budget');
    expect(await info()).toEqual(updated.tag);
  });

  it.each([
    ['max_budget', 5, 0],
    ['soft_budget', 5, 0],
    ['budget_duration', '1d', '2d'],
    ['model_max_budget', { m: { max_budget: 1 } }, {}],
    ['max_parallel_requests', 5, 0],
    ['description', 'D', ''],
    ['models', ['m'], []],
    ['model_info', { a: 'b' }, {}],
  ])('keeps %s when it is absent, takes values, and is cleared by null', async (field, before, after) => {
    const update = async (sent: object) => (await gateway.create('/tag/update', { name: tag, ...sent })).tag[field];
    await createTag({ [field]: before });
    expect(await update({})).toEqual(before);
    expect(await update({ [field]: after })).toEqual(after);
    expect(await update({ [field]: null }) ?? null).toEqual(field === 'models' ? [] : null);
  }); // prettier-ignore

  it.each<[string, string, object, number, string]>([
    ['a name that is taken', '/tag/new', { name: 'taken' }, 409, 'name'],
    ['no name', '/tag/new', {}, 422, 'name'],
    ['an empty name', '/tag/new', { name: '' }, 422, 'name'],
    ['a name no call can have', '/tag/new', { name: 'x'.repeat(257) }, 422, 'name'],
    ['an unknown tier', '/tag/new', { name: 'new', budget_id: 'nothing' }, 404, 'budget_id'],
    ['a budget that is none', '/tag/new', { name: 'new', max_budget: -1 }, 422, 'max_budget'],
    ['a typo in a limit', '/tag/new', { name: 'new', max_budge: 1 }, 422, 'max_budge'],
    ['model_info that is none', '/tag/new', { name: 'new', model_info: [] }, 422, 'model_info'],
    ['an update of nobody', '/tag/update', { name: 'nobody' }, 404, 'name'],
    ['news of nobody', '/tag/info', { names: ['taken', 'nobody'] }, 404, 'names'],
    ['an end of nobody', '/tag/delete', { name: 'nobody' }, 404, 'name'],
  ])('is refused with %s', async (_, path, sent, status, param) => {
    await gateway.admin('POST', '/tag/new', { name: 'taken' });
    const answer = await gateway.admin('POST', path, sent);
    expect({ status: answer.status, text: answer.text }).toEqual({
      status,
      text: expect.stringContaining(param),
    });
    expect((await gateway.admin('POST', '/tag/info', { names: ['new'] })).body.error.message).toBe(
      "Tags not found: ['new']",
    );
  });

  it('ends with its limits, and goes on with all that was spent when it is made again', async () => {
    await createTag({ max_budget: 0.01 });
    const key = await gateway.createKey();
    expect((await call(key, { tags: [tag] })).status).toBe(200);
    expect((await call(key, { tags: [tag] })).status).toBe(429);
    expect(await gateway.create('/tag/delete', { name: tag })).toEqual({
      message: `Tag ${tag} deleted successfully`,
    });
    expect((await call(key, { tags: [tag] })).status).toBe(200);
    await createTag({ max_budget: 0.01 });
    expect((await info()).spend).toBe(0.02);
    expect((await call(key, { tags: [tag] })).status).toBe(429);
  });
});
