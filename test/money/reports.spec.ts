import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { secretHash } from '../../src/platform/secrets.js';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves that every report includes calls of today, of two days ago (summed up), and of 40 days ago (folded and kept). */

const DAY_MS = 86_400_000;
const AGES_DAYS = [2, 40];
/** A day on which there were more programs than a day has sums for. */
const PROGRAMS_AGE_DAYS = 60;
const PROGRAMS = 210;
const AGES_FROM_OLDEST = [40, 2, 0];
/** Number of kinds of daily activity: users, teams, organizations, customers and tags. */
const KINDS = 5;
const dayOf = (ageDays: number) => new Date(Date.now() - ageDays * DAY_MS).toISOString().slice(0, 10);

let upstream: Upstream;
let gateway: Gateway;
/** Keys: of `anna` in the team `red` of the organization `o`, of `otto` without a team, and without an owner. */
let keys: Record<'anna' | 'otto' | 'none', string>;
let admin: string;

const call = (key: string, body: object, headers: Record<string, string> = {}) =>
  gateway.chat(key, { model: 'm-out', max_tokens: 10, ...body }, headers);
const CLAUDE = { 'user-agent': 'claude-cli/2.1.197 (external, sdk-cli)' };
const CODEX = { 'user-agent': 'codex_exec/0.63.0', originator: 'codex_exec' };
const number = async (sql: string) =>
  Number((await gateway.sql(`SELECT CAST(${sql} AS varchar) AS n`))[0]!.n);

beforeAll(async () => {
  upstream = await Upstream.start();
  const general_settings = { spend_logs_retention: '30d', spend_logs_retention_interval: '1s' };
  gateway = await Gateway.start({ upstream, config: { general_settings } });
  await gateway.create('/organization/new', { organization_id: 'o', organization_alias: 'O' });
  for (const user_id of ['anna', 'otto', 'boss'])
    await gateway.create('/user/new', { user_id, auto_create_key: false });
  await gateway.create('/team/new', {
    team_id: 'red',
    team_alias: 'Reds',
    organization_id: 'o',
    members_with_roles: [
      { role: 'admin', user_id: 'boss' },
      { role: 'user', user_id: 'anna' },
    ],
  });
  keys = {
    anna: await gateway.createKey({ user_id: 'anna', team_id: 'red', key_alias: 'annas' }),
    otto: await gateway.createKey({ user_id: 'otto' }),
    none: await gateway.createKey(),
  };
  admin = await gateway.createKey({ user_id: 'boss' });

  // Calls of a day: anna spends 3 cents (and has one failed call), otto 1, the key without owner half a cent. 4.5 cents in all.
  await call(keys.anna, { user: 'customer', tags: ['x', 'y'] }, CLAUDE);
  await call(keys.anna, { user: 'customer', tags: ['x'] });
  await call(keys.anna, {});
  upstream.behave = () => ({ status: 400 });
  expect((await call(keys.anna, { model: 'm-deny' })).status).toBe(400);
  upstream.behave = () => ({});
  await call(keys.otto, { tags: ['x'] }, { ...CLAUDE, 'user-agent': 'claude-cli/2.0.1' });
  await call(keys.none, { max_tokens: 5 }, CODEX);
  await gateway.create(`/key/${keys.otto}/reset_spend`, { reset_to: 0 });
  await gateway.books();
  expect(await gateway.terminate()).toBe(0);
  for (const days of AGES_DAYS) {
    await gateway.sql(
      `INSERT INTO ledger_entries (id, chain_id, state, mark, bound_nano_usd, input_bound_nano_usd, cost_nano_usd, usage, request_id,
         request_tags, user_agent, originator, call_type, model, deployment_id, provider, opened_at, closed_at)
       SELECT CAST('${days}-' || e.id AS varchar(36)), e.chain_id, e.state, e.mark, e.bound_nano_usd, e.input_bound_nano_usd, e.cost_nano_usd, e.usage,
         e.request_id, e.request_tags, e.user_agent, e.originator, e.call_type, e.model, e.deployment_id, e.provider,
         e.opened_at - ${days * DAY_MS}, e.closed_at - ${days * DAY_MS}
       FROM ledger_entries e WHERE e.model <> '' AND e.opened_at > ${Date.now() - DAY_MS}`,
    );
  }
  await gateway.sql(
    `INSERT INTO ledger_entries (id, chain_id, state, bound_nano_usd, input_bound_nano_usd, cost_nano_usd, request_id, user_agent,
       call_type, model, deployment_id, provider, opened_at, closed_at)
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${PROGRAMS})
     SELECT CAST('program-' || n.i AS varchar(36)), e.chain_id, 'settled', 0, 0, 0, 'r', 'p' || n.i || '/1', e.call_type, 'm-free', e.deployment_id, e.provider,
       e.opened_at - ${PROGRAMS_AGE_DAYS * DAY_MS}, e.closed_at - ${PROGRAMS_AGE_DAYS * DAY_MS}
     FROM n CROSS JOIN (SELECT * FROM ledger_entries WHERE model <> '' AND opened_at > ${Date.now() - DAY_MS} LIMIT 1) e`,
  );
  await gateway.sql(
    `UPDATE accounts SET spent_nano_usd = coalesce((SELECT sum(e.cost_nano_usd) FROM ledger_entries e
       JOIN postings p ON p.chain_id = e.chain_id WHERE p.account_id = accounts.id), 0)`,
  );
  await gateway.restart();
  // Waits until calls are summed up, and until those older than 30 days are folded. Kept days are those that cannot change any
  // more.
  while ((await number('(SELECT count(*) FROM ledger_days)')) < 1);
  while (
    (await number(`(SELECT coalesce(sum(entries), 0) FROM activity_days WHERE tag = '')`)) <
    12 + PROGRAMS
  );
  while ((await number('(SELECT count(*) FROM kept_days)')) < KINDS);
});
afterAll(() => closeAll(gateway, upstream));

const get = async (path: string, key = gateway.masterKey) => (await gateway.as(key, 'GET', path)).body;
const all = `start_date=${dayOf(45)}&end_date=${dayOf(0)}`;
const figures = (metrics: Record<string, number>) =>
  ['spend', 'api_requests', 'failed_requests', 'completion_tokens'].map((name) => metrics[name]);

describe('daily activity', () => {
  it('has every day with calls, latest first, and its sums, to the nano-dollar', async () => {
    const { results, metadata } = await get(`/user/daily/activity?${all}`);
    expect(results.map(({ date }: { date: string }) => date)).toEqual([dayOf(0), ...AGES_DAYS.map(dayOf)]);
    for (const { metrics } of results) expect(figures(metrics)).toEqual([0.045, 6, 1, 45]);
    expect(metadata).toMatchObject({
      total_spend: 0.135,
      total_api_requests: 18,
      total_successful_requests: 15,
      total_failed_requests: 3,
      total_completion_tokens: 135,
      page: 1,
      total_pages: 1,
      has_more: false,
    });
  });

  it('says on what and on whom', async () => {
    const { results } = await get(`/team/daily/activity?${all}`);
    for (const { breakdown } of results) {
      expect(figures(breakdown.models['m-out'].metrics)).toEqual([0.03, 3, 0, 30]);
      expect(figures(breakdown.models['m-deny'].metrics)).toEqual([0, 1, 1, 0]);
      expect(figures(breakdown.endpoints.chat_completion.metrics)).toEqual([0.03, 4, 1, 30]);
      expect(figures(breakdown.providers.openai.metrics)).toEqual([0.03, 4, 1, 30]);
      expect(breakdown.entities.red).toMatchObject({
        metrics: { spend: 0.03 },
        metadata: { team_alias: 'Reds' },
      });
      expect(breakdown.api_keys[secretHash(keys.anna)].metadata).toEqual({
        key_alias: 'annas',
        team_id: 'red',
      });
      expect(Object.keys(breakdown.models['m-out'].api_key_breakdown)).toEqual([secretHash(keys.anna)]);
    }
  });

  it.each([
    ['user', `user_id=otto`, 0.03],
    ['user', `api_key=KEY`, 0.09],
    ['user', `model=m-deny`, 0],
    ['team', `team_ids=red, blue`, 0.09],
    ['team', `exclude_team_ids=red`, 0],
    ['team', `team_ids=`, 0],
    ['organization', `organization_ids=o`, 0.09],
    ['customer', ``, 0.06],
    ['customer', `end_user_ids=customer`, 0.06],
    ['customer', `exclude_end_user_ids=customer`, 0],
    ['tag', `tags=y`, 0.03],
    ['tag', `tags=y,`, 0.03],
    ['tag', `tags=`, 0],
    ['tag', `tags=x,y`, 0.12],
    ['tag', ``, 0.12],
  ])('of %s is about whom it names: %s', async (kind, query, spend) => {
    const { metadata } = await get(`/${kind}/daily/activity?${all}&${query.replace('KEY', keys.anna)}`);
    expect(metadata.total_spend).toBe(spend);
  });

  it('is a page of whole days at a time', async () => {
    const page = (n: number) => get(`/user/daily/activity?${all}&page=${n}&page_size=2`);
    const [first, second] = [await page(1), await page(2)];
    expect([first.results.length, first.metadata.total_spend, first.metadata.has_more]).toEqual([2, 0.09, true]); // prettier-ignore
    expect([second.results.length, second.metadata.total_spend, second.metadata.has_more]).toEqual([1, 0.045, false]); // prettier-ignore
  });

  it('of one day has no other; a time zone reaches into the next', async () => {
    const days = `start_date=${dayOf(1)}&end_date=${dayOf(1)}`;
    const count = async (query: string) => (await get(`/user/daily/activity?${query}`)).results.length;
    expect(await count(days)).toBe(0);
    expect(await count(`${days}&timezone=60`)).toBe(1);
    expect(await count(`${days}&timezone=-60`)).toBe(1);
  });

  it.each([
    ['', 400, 'start_date'],
    [`start_date=${dayOf(1)}`, 400, 'end_date'],
    [`start_date=${dayOf(1)}&end_date=${dayOf(2)}`, 422, 'start_date'],
    [`start_date=2020-01-01&end_date=${dayOf(1)}`, 422, 'end_date'],
    ['start_date=x&end_date=y', 422, 'start_date'],
  ])('refuses %s', async (query, status, param) => {
    const answer = await gateway.admin('GET', `/team/daily/activity?${query}`);
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(param)]);
  });

  it.each<[string, () => string, string, number]>([
    ['otto', () => keys.otto, 'user', 0.03],
    ['otto, of others', () => keys.otto, 'team', 0],
    ['anna', () => keys.anna, 'user', 0.09],
    ['the team’s admin, of the team', () => admin, 'team', 0.09],
    ['the team’s admin, of himself', () => admin, 'user', 0],
    ['the team’s admin, of its tags', () => admin, 'tag', 0.09],
  ])('tells %s what is theirs', async (_, key, kind, spend) => {
    expect((await get(`/${kind}/daily/activity?${all}`, key())).metadata.total_spend).toBe(spend);
  });
});

describe('/spend/logs', () => {
  it('with both days is a row for each day, as LiteLLM has it', async () => {
    const rows = await get(`/spend/logs?start_date=${dayOf(3)}&end_date=${dayOf(0)}`);
    const day = {
      spend: 0.045,
      users: { anna: 0.03, otto: 0.01 },
      models: { 'm-out': 0.045, 'm-deny': 0 },
      [secretHash(keys.anna)]: 0.03,
      [secretHash(keys.otto)]: 0.01,
      [secretHash(keys.none)]: 0.005,
    };
    const nothing = { spend: 0, users: {}, models: {} };
    expect(rows).toEqual([nothing, day, nothing, day].map((row, i) => ({ ...row, startTime: dayOf(3 - i) })));
    expect(await get(`/spend/logs?start_date=${dayOf(0)}&end_date=${dayOf(0)}`, keys.otto)).toEqual([
      { startTime: dayOf(0), spend: 0.01, users: { otto: 0.01 }, models: { 'm-out': 0.01 }, [secretHash(keys.otto)]: 0.01 },
    ]);
  }); // prettier-ignore

  it('without a summary is the entries that are not folded, newest first', async () => {
    const rows = await get(`/spend/logs?${all}&summarize=false&user_id=anna`);
    expect(rows.map(({ startTime }: { startTime: string }) => startTime.slice(0, 10))).toEqual(
      [0, 0, 0, 0, 2, 2, 2, 2].map(dayOf),
    );
  });

  it('/v2 is a page of them', async () => {
    const times = `start_date=${dayOf(45)} 00:00:00&end_date=${dayOf(0)} 23:59:59`;
    const page = async (query: string, key?: string) => get(`/spend/logs/v2?${times}&${query}`, key);
    expect(await page('user_id=anna&page_size=3&page=3')).toMatchObject({
      data: [{ user: 'anna' }, { user: 'anna' }],
      total: 8,
      page: 3,
      page_size: 3,
      total_pages: 3,
    });
    const total = async (query: string, key?: string) => (await page(query, key)).total;
    expect(await total('user_id=anna&status_filter=failure')).toBe(2);
    expect(await total('user_id=anna&status_filter=success&min_spend=0.01')).toBe(6);
    expect(await total('min_spend=0&max_spend=0.005')).toBe(4);
    expect(await total('key_alias=annas&model=m-out')).toBe(6);
    expect(await total('error_code=500')).toBe(0);
    expect(await total('user_id=anna', keys.otto)).toBe(0);
    expect(await total('', keys.otto)).toBeGreaterThan(1);
    const [oldest] = (await page('sort_order=asc')).data;
    expect(oldest.startTime.slice(0, 10)).toBe(dayOf(2));
    expect((await gateway.admin('GET', '/spend/logs/v2')).status).toBe(400);
    expect((await gateway.admin('GET', `/spend/logs/v2?${times}&page_size=101`)).status).toBe(422);
    expect((await gateway.admin('GET', `/spend/logs/v2?start_date=2026-02-31 00:00:00&end_date=x`)).status).toBe(422); // prettier-ignore
  });
});

describe('who spent most', () => {
  it('among keys and users', async () => {
    const [first] = await get('/spend/keys?page_size=1');
    expect(first).toMatchObject({ token: secretHash(keys.anna), spend: 0.09 });
    expect(await get('/spend/keys', keys.otto)).toMatchObject([{ token: secretHash(keys.otto) }]);
    const users = await get('/spend/users');
    expect(users[0]).toMatchObject({ user_id: 'anna', spend: 0.09 });
    expect(await get('/spend/users?user_id=anna', keys.otto)).toEqual([]);
    expect(await get('/spend/users', keys.otto)).toMatchObject([{ user_id: 'otto' }]);
  });

  it('in the last 30 days', async () => {
    expect(await get('/global/spend/keys?limit=1')).toEqual([
      { api_key: secretHash(keys.anna), key_alias: 'annas', key_name: expect.stringMatching(/^sk-\.\.\./), total_spend: 0.06 },
    ]);
    expect(await get('/global/spend/models')).toEqual([
      { model: 'm-out', total_spend: 0.09 },
      { model: 'm-deny', total_spend: 0 },
    ]);
    expect(await get('/global/spend/teams')).toEqual({
      daily_spend: [2, 0].map((age) => ({ date: dayOf(age), Reds: 0.03 })),
      teams: ['Reds'],
      total_spend_per_team: [{ team_id: 'Reds', total_spend: 0.06 }],
    });
    const endUsers = async (body: object) => (await gateway.admin('POST', '/global/spend/end_users', body)).body;
    expect(await endUsers({})).toEqual([{ end_user: 'customer', total_count: 4, total_spend: 0.04 }]);
    expect(await endUsers({ api_key: keys.otto })).toEqual([]);
    expect(await endUsers({ startTime: `${dayOf(45)}T00:00:00Z`, endTime: `${dayOf(30)}T00:00:00Z` })).toMatchObject([{ total_spend: 0.02 }]);
    expect(await get('/spend/tags')).toEqual([
      { individual_request_tag: 'x', log_count: 6, total_spend: 0.06 },
      { individual_request_tag: 'y', log_count: 2, total_spend: 0.02 },
    ]);
  }); // prettier-ignore
});

describe('/global/spend/report and /global/activity', () => {
  const report = (query: string) => get(`/global/spend/report?${all}&${query}`);

  it('by team, customer and key', async () => {
    const byTeam = await report('');
    expect(byTeam.map((row: { group_by_day: string }) => row.group_by_day)).toEqual(
      AGES_FROM_OLDEST.map((age) => `${dayOf(age)}T00:00:00+00:00`),
    );
    expect(byTeam[0].teams).toMatchObject([
      { team_name: 'Reds', total_spend: 0.03, metadata: [{ model: 'm-out', spend: 0.03, api_key: secretHash(keys.anna) }, { model: 'm-deny', spend: 0 }] },
      { team_name: 'Unassigned Team', total_spend: 0.015, metadata: [{ spend: 0.01 }, { spend: 0.005 }] },
    ]);
    expect((await report('group_by=customer'))[2].customers).toMatchObject([
      { customer: 'customer', total_spend: 0.02 },
      { customer: '', total_spend: 0.025 },
    ]);
    expect((await report('group_by=api_key'))[0]).toMatchObject({
      api_key: secretHash(keys.anna),
      total_cost: 0.09,
      total_output_tokens: 90,
      model_details: [{ model: 'm-out', total_cost: 0.09 }, { model: 'm-deny', total_cost: 0 }],
    });
    expect(await report('team_id=blue')).toEqual([]);
    expect((await gateway.admin('GET', '/global/spend/report')).status).toBe(400);
  }); // prettier-ignore

  it.each([
    ['a key without a team', 'api_key=OTTO', [{ api_key: 'OTTO', total_cost: 0.03, total_output_tokens: 30, model_details: [{ model: 'm-out', total_cost: 0.03 }] }]],
    ['a user, all of whose keys count', 'internal_user_id=otto', [{ api_key: 'OTTO', total_cost: 0.03 }]],
    ['a key, whatever the grouping', 'api_key=OTTO&group_by=team', [{ api_key: 'OTTO', total_cost: 0.03 }]],
    ['a key that does not exist', 'api_key=sk-not-there', []],
    ['a customer', 'customer_id=customer', AGES_FROM_OLDEST.map((age) => ({ group_by_day: `${dayOf(age)}T00:00:00+00:00`, customers: [{ customer: 'customer', total_spend: 0.02 }] }))],
    ['a customer of a team', 'customer_id=customer&team_id=red', AGES_FROM_OLDEST.map((age) => ({ group_by_day: `${dayOf(age)}T00:00:00+00:00`, teams_customers: [{ team_name: 'Reds', customer: 'customer', total_spend: 0.02 }] }))],
    ['a customer by team', 'customer_id=customer&group_by=team', AGES_FROM_OLDEST.map(() => ({ teams: [{ team_name: 'Reds', total_spend: 0.02 }] }))],
    ['a customer by key', 'customer_id=customer&group_by=api_key', [{ api_key: 'ANNA', total_cost: 0.06 }]],
  ])('of %s', async (_, query, rows) => {
    const withHashes = (text: string) => text.replace('OTTO', secretHash(keys.otto)).replace('ANNA', secretHash(keys.anna));
    expect(await report(withHashes(query))).toMatchObject(JSON.parse(withHashes(JSON.stringify(rows))));
  }); // prettier-ignore

  it('by day', async () => {
    const { daily_data, ...sums } = await get(`/global/activity?${all}`);
    expect(daily_data.map(({ api_requests }: { api_requests: number }) => api_requests)).toEqual([6, 6, 6]);
    expect(daily_data[2].date).toMatch(/^[A-Z][a-z]{2} \d\d$/);
    expect(sums.sum_api_requests).toBe(18);
    expect((await get(`/global/activity?${all}`, keys.otto)).sum_api_requests).toBe(3);
  });
});

describe('/spend/calculate', () => {
  const calculate = (body: object) => gateway.admin('POST', '/spend/calculate', body);

  it('prices a prompt and an answer, and spends nothing', async () => {
    const before = await get('/global/spend');
    const hello = [{ role: 'user', content: 'Hello!' }];
    // 3 tokens around the chat, 3 around the message, `user`, `Hello` and `!`.
    expect((await calculate({ model: 'm-in', messages: hello })).body).toEqual({ cost: 0.009 });
    const usage = { prompt_tokens: 1, completion_tokens: 7 };
    expect((await calculate({ completion_response: { model: 'm-out', usage } })).body).toEqual({ cost: 0.007 });
    expect((await calculate({ model: 'm-in', completion_response: { usage } })).body).toEqual({ cost: 0.001 });
    expect((await calculate({ model: 'gpt-4o', messages: hello })).body.cost).toBeGreaterThan(0);
    expect(await get('/global/spend')).toEqual(before);
  }); // prettier-ignore

  it.each([
    [{}, 'messages'],
    [{ model: 'm-in' }, 'messages'],
    [{ messages: [] }, 'model'],
    [{ model: 'm-unpriced', messages: [] }, 'model'],
    [{ model: 'nothing-like-it', messages: [] }, 'model'],
    [{ model: 'm-in', completion_response: {} }, 'completion_response'],
  ])('refuses %j', async (body, param) => {
    const { status, body: response } = await calculate(body);
    expect([status, response.error.param]).toEqual([400, param]);
  });
});

describe('programs', () => {
  const summary = async (filter = '') => {
    const { results } = await get(`/tag/summary?${all}${filter}`);
    return Object.fromEntries(
      (results as Record<string, unknown>[]).map(({ tag, ...sums }) => [
        tag,
        [sums.unique_users, sums.total_requests, sums.failed_requests, sums.total_spend],
      ]),
    );
  };

  it('are summed by product and by version, today, summed up and folded', async () => {
    expect(await summary()).toEqual({
      'User-Agent: claude-cli': [2, 6, 0, 0.06],
      'User-Agent: claude-cli/2.1.197': [1, 3, 0, 0.03],
      'User-Agent: claude-cli/2.0.1': [1, 3, 0, 0.03],
      'User-Agent: codex_exec': [0, 3, 0, 0.015],
      'User-Agent: codex_exec/0.63.0': [0, 3, 0, 0.015],
      x: [2, 9, 0, 0.09],
      y: [1, 3, 0, 0.03],
    });
  });

  it('are filtered', async () => {
    const [claude, old] = ['User-Agent: claude-cli', 'User-Agent: claude-cli/2.0.1'];
    expect(Object.keys(await summary('&tag_filter=CODEX'))).toHaveLength(2);
    expect(Object.keys(await summary('&tag_filter=100%25'))).toEqual([]);
    expect(Object.keys(await summary(`&tag_filters=${claude}&tag_filters=${old}&tag_filters=y`))).toEqual([
      claude,
      old,
      'y',
    ]);
    expect(Object.keys(await summary('&tag_filters=y'))).toEqual(['y']);
  });

  it('are listed, with their users per day, week and month', async () => {
    const { results } = await get('/tag/distinct');
    expect(results.map(({ tag }: { tag: string }) => tag)).toEqual(
      expect.arrayContaining(['User-Agent: claude-cli', 'User-Agent: claude-cli/2.0.1', 'x']),
    );
    const users = async (span: string) =>
      (await get(`/tag/${span}?tag_filters=User-Agent: claude-cli`)).results.map(
        ({ active_users, date, period_end }: Record<string, unknown>) => [active_users, date, period_end],
      );
    expect(await users('dau')).toEqual([0, 2].map((age) => [2, dayOf(age), null]));
    expect((await users('wau'))[0]).toEqual([2, expect.stringMatching(/^Week 7 \(/), dayOf(0)]);
    expect((await users('mau')).map(([count]: unknown[]) => count)).toEqual([2, 2]);
  });

  it('are told per user, each call once', async () => {
    const { results, total_count } = await get('/tag/user-agent/per-user-analytics?page_size=1');
    expect(total_count).toBe(2);
    expect(results).toHaveLength(1);
    const both = await get(
      '/tag/user-agent/per-user-analytics?tag_filters=User-Agent: claude-cli&tag_filters=User-Agent: claude-cli/2.0.1',
    );
    expect(both.results.map(({ user_id, spend }: Record<string, unknown>) => [user_id, spend])).toEqual([
      ['anna', 0.02],
      ['otto', 0.02],
    ]);
  });

  it('group the spend report', async () => {
    const days = await get(`/global/spend/report?${all}&group_by=user_agent`);
    expect(days).toHaveLength(3);
    for (const { user_agents } of days)
      expect(
        Object.fromEntries(
          user_agents.map(({ user_agent, total_spend }: Record<string, unknown>) => [
            user_agent,
            total_spend,
          ]),
        ),
      ).toEqual({ 'claude-cli/2.1.197': 0.01, 'claude-cli/2.0.1': 0.01, 'codex_exec/0.63.0': 0.005 });
    const [{ originators }] = await get(`/global/spend/report?${all}&group_by=originator`);
    expect(originators).toMatchObject([{ originator: 'codex_exec', total_spend: 0.005 }]);
  });

  it('have 200 names a day; the others are one', async () => {
    const day = dayOf(PROGRAMS_AGE_DAYS);
    const { results } = await get(`/tag/summary?start_date=${day}&end_date=${day}`);
    const requests = (tag: string) =>
      results.filter((row: Record<string, unknown>) => row.tag === tag).map((row: Record<string, unknown>) => row.total_requests); // prettier-ignore
    expect(results).toHaveLength(200 + 1 + 200);
    expect(requests('User-Agent: other')).toEqual([PROGRAMS - 200]);
    expect(requests('User-Agent: p1')).toEqual([1]);
  });

  it('are for proxy admins and their viewers', async () => {
    for (const path of ['distinct', 'dau', 'summary?start_date=2026-01-01&end_date=2026-01-02', 'user-agent/per-user-analytics'])
      expect((await gateway.as(keys.anna, 'GET', `/tag/${path}`)).status, path).toBe(403);
  }); // prettier-ignore
});
