import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { secretHash } from '../../src/platform/secrets.js';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';
import { DOORS_OF_GROUPS, H, K, pathOf, WRITES, writingDoors } from '../harness/writing-routes.js';

interface Entry {
  readonly id: string;
  readonly changed_by: string;
  readonly changed_by_api_key: string;
  readonly request_id: string;
  readonly action: string;
  readonly table_name: string;
  readonly object_id: string;
  readonly before_value: Record<string, unknown> | null;
  readonly updated_values: Record<string, unknown> | null;
}

let upstream: Upstream;
let gateway: Gateway;
let customer: string;

beforeAll(async () => {
  upstream = await Upstream.start();
  const litellm_settings = { max_end_user_budget_id: 'tier' };
  gateway = await Gateway.start({ upstream, config: { litellm_settings } });
  customer = await gateway.createKey();
});
afterAll(() => closeAll(gateway, upstream));

let asked = 0;

/** Sends an admin's request with its own id. Returns its status and its audit entries. */
async function audited(method: string, path: string, body: unknown, key = gateway.masterKey) {
  const id = `audited-${(asked += 1)}`;
  const { status, text } = await gateway.as(key, method, path, body, { 'x-request-id': id });
  const entries = await entriesOf(`request_id=${id}`);
  return { status, text, entries, actions: entries.map(short).toSorted() };
}

const entriesOf = async (query: string): Promise<Entry[]> =>
  (await gateway.admin('GET', `/audit?page_size=100&${query}`)).body.audit_logs as Entry[];

const short = ({ action, table_name, object_id }: Entry) =>
  `${action} ${table_name.replace('LiteLLM_', '')} ${object_id}`;

describe('every door that writes', () => {
  it('is listed here', async () => {
    const writing = await writingDoors(gateway);
    const listed = [...WRITES.map(([door]) => door), 'POST /global/spend/reset', ...DOORS_OF_GROUPS];
    expect(new Set(listed)).toEqual(new Set(writing));
    expect(writing.length).toBeGreaterThan(30);
  });

  it.each(WRITES)('%s %j leaves one entry for each row it changed, a refusal none', async (door, body, changes) => {
    const [method, template] = door.split(' ') as [string, string];
    const path = pathOf(template, body);
    const refusals = [
      await audited(method, path, body, customer),
      await audited(method, path, '{"broken'),
      await audited(method, path, Object.fromEntries(Object.keys(body).map((name) => [name, { no: 1 }]))),
    ];
    expect(refusals.map(({ status }) => status < 300)).toEqual([false, false, false]);
    expect(refusals.flatMap(({ actions }) => actions)).toEqual([]);

    const { status, text, actions, entries } = await audited(method, path, body);
    expect({ status, actions }, text).toEqual({ status: 200, actions: changes.toSorted() });
    for (const { changed_by, changed_by_api_key } of entries)
      expect({ changed_by, changed_by_api_key }).toEqual({ changed_by: 'default_user_id', changed_by_api_key: '' });
    expect(JSON.stringify(entries)).not.toContain('sk-audited');
    expect(JSON.stringify(entries)).not.toContain('sk-hidden');
  }); // prettier-ignore
});

it('access groups leave entries, and so does whoever gets or loses one', async () => {
  await gateway.create('/team/new', { team_id: 'grouped' });
  const write = async (method: string, path: string, body?: object) => {
    const { status, text, entries } = await audited(method, path, body);
    expect(status, text).toBeLessThan(300);
    const tables = entries.map(({ action, table_name }) => `${action} ${table_name}`).toSorted();
    return { tables, id: entries.find(({ table_name }) => table_name.includes('AccessGroup'))!.object_id };
  };
  const group = 'LiteLLM_AccessGroupTable';
  const creation = await write('POST', '/v1/access_group', {
    access_group_name: 'g',
    assigned_team_ids: ['grouped'],
  });
  expect(creation.tables).toEqual([`created ${group}`, 'updated LiteLLM_TeamTable']);
  const changed = await write('PUT', `/v1/access_group/${creation.id}`, { description: 'x' });
  expect(changed.tables).toEqual([`updated ${group}`]);
  const gone = await write('DELETE', `/v1/access_group/${creation.id}`);
  expect(gone.tables).toEqual([`deleted ${group}`, 'updated LiteLLM_TeamTable']);

  const models = { model_names: ['m-out'] };
  const body = { access_group: 'h', ...models };
  expect((await write('POST', '/access_group/new', body)).tables).toEqual([`created ${group}`]);
  const more = { model_names: ['m-out', 'm-in'] };
  expect((await write('PUT', '/access_group/h/update', more)).tables).toEqual([`updated ${group}`]);
  expect((await write('DELETE', '/access_group/h/delete')).tables).toEqual([`deleted ${group}`]);
});

it('a reset of all spending leaves an entry for each row that had spent', async () => {
  const key = await gateway.createKey();
  await gateway.create('/key/update', { key, spend: 0.75 });
  const { entries } = await audited('POST', '/global/spend/reset', {});
  expect(entries).toMatchObject([
    {
      action: 'updated',
      object_id: secretHash(key),
      before_value: { spend: 0.75 },
      updated_values: { spend: 0 },
    },
  ]);
});

describe('an entry', () => {
  it('says who did it with which key, and only what changed, before and after', async () => {
    const { key } = await gateway.create('/user/new', { user_id: 'root', user_role: 'proxy_admin' });
    await gateway.create('/team/new', { team_id: 'changed', max_budget: 1, models: ['a'] });
    const { entries } = await audited(
      'POST',
      '/team/update',
      { team_id: 'changed', max_budget: 2, metadata: { callback: { langfuse_secret_key: 'hush-1' } } },
      key as string,
    );
    expect(entries).toMatchObject([
      {
        changed_by: 'root',
        changed_by_api_key: secretHash(key as string),
        action: 'updated',
        table_name: 'LiteLLM_TeamTable',
        object_id: 'changed',
      },
    ]);
    expect(entries[0]!.before_value).toEqual({ max_budget: 1, metadata: {} });
    expect(entries[0]!.updated_values).toEqual({
      max_budget: 2,
      metadata: { callback: { langfuse_secret_key: 'REDACTED' } },
    });
    expect((await gateway.admin('GET', `/audit/${entries[0]!.id}`)).body).toEqual(entries[0]);
  });

  it('of what was made or deleted has the whole', async () => {
    const creation = await audited('POST', '/key/generate', {
      key: K('whole'),
      max_budget: 0.5,
      tpm_limit: 9,
    });
    const limits = { token: H('whole'), max_budget: 0.5, tpm_limit: 9, key_name: 'sk-...hole' };
    expect(creation.entries).toMatchObject([{ before_value: null, updated_values: limits }]);
    const deleted = await audited('POST', '/key/delete', { keys: [K('whole')] });
    expect(deleted.entries).toMatchObject([{ before_value: limits, updated_values: null }]);
    const again = await audited('POST', '/key/generate', { key: K('whole') });
    expect(again.entries).toMatchObject([{ action: 'created', before_value: null }]);
  });

  it('is of a bounded size', async () => {
    const { entries } = await audited('POST', '/team/new', { metadata: { note: 'x'.repeat(30_000) } });
    expect(JSON.stringify(entries).length).toBeLessThan(10_000);
    expect(entries[0]!.updated_values!.metadata).toMatch(/^\(\d+ characters\)$/);
  });

  it('is not there for a transaction that failed halfway', async () => {
    const { status, actions } = await audited('POST', '/user/new', { user_id: 'half', teams: ['not-there'] });
    expect({ status, actions }).toEqual({ status: 404, actions: [] });
    expect(await entriesOf('object_id=half')).toEqual([]);
    expect((await gateway.admin('GET', '/user/info?user_id=half')).status).toBe(404);
  });

  it('names its own request and caller when many write at once', async () => {
    const callers = await Promise.all(
      [1, 2, 3, 4].map(async (n) => ({
        by: `many-${n}`,
        key: (await gateway.create('/user/new', { user_id: `many-${n}`, user_role: 'proxy_admin' })).key as string,
      })),
    );
    const done = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const { by, key } = callers[i % 4]!;
        const id = `many-request-${i}`;
        await gateway.as(key, 'POST', '/team/new', { team_id: id }, { 'x-request-id': id });
        return { by, id };
      }),
    );
    for (const { by, id } of done)
      expect(await entriesOf(`request_id=${id}`)).toMatchObject([{ changed_by: by, object_id: id }]);
  }); // prettier-ignore
});

describe('the list', () => {
  it('is filtered exactly, sorted and paged', async () => {
    for (const n of [1, 2, 3]) await gateway.create('/team/new', { team_id: `paged-${n}`, max_budget: 1 });
    await gateway.create('/team/update', { team_id: 'paged-1', max_budget: 2 });
    const { token } = await gateway.create('/key/generate', { team_id: 'paged-1' });
    const list = async (query: string) => (await gateway.admin('GET', `/audit?${query}`)).body;

    expect((await list('object_id=paged-1&sort_order=asc')).audit_logs.map(short)).toEqual([
      'created TeamTable paged-1',
      'updated TeamTable paged-1',
    ]);
    expect((await list('object_id=paged')).total).toBe(0);
    expect((await list('object_team_id=paged-1')).total).toBe(3);
    expect((await list(`object_key_hash=${token}`)).total).toBe(1);
    expect((await list('object_id=paged-1&action=updated&table_name=LiteLLM_TeamTable')).total).toBe(1);
    expect((await list('changed_by=nobody')).total).toBe(0);
    expect((await list('end_date=2020-01-01')).total).toBe(0);
    const today = new Date().toISOString().slice(0, 10);
    expect((await list(`object_id=paged-1&start_date=2020-01-01&end_date=${today}`)).total).toBe(2);
    const page = await list('action=created&table_name=LiteLLM_TeamTable&page=2&page_size=2&sort_by=object_id');
    expect(page).toMatchObject({ page: 2, page_size: 2, total_pages: Math.ceil(page.total / 2) });
    expect(page.audit_logs.length).toBe(2);
  }); // prettier-ignore

  it.each(['page_size=101', 'page=0', 'action=none', 'sort_by=before_value', 'start_date=yesterday'])(
    'refuses %s, by name',
    async (query) => {
      const { status, body } = await gateway.admin('GET', `/audit?${query}`);
      expect(status).toBe(422);
      expect(body.error.message).toContain(query.split('=')[0]);
    },
  );

  it('knows no entry that is not there', async () => {
    expect((await gateway.admin('GET', '/audit/none')).status).toBe(404);
  });
});

describe('what a call makes by itself', () => {
  it('has no entry', async () => {
    expect((await gateway.chat(customer, { model: 'm-free', user: 'passer-by' })).status).toBe(200);
    expect((await gateway.admin('GET', '/customer/info?end_user_id=passer-by')).status).toBe(200);
    expect(await entriesOf('object_id=passer-by')).toEqual([]);
  });
});

describe('after the process died', () => {
  it('there is an entry for every write and none without', async () => {
    const writing = Array.from({ length: 200 }, (_, i) =>
      gateway.admin('POST', '/team/new', { team_id: `killed-${i}` }).catch(() => undefined),
    );
    await Promise.race([writing[20], writing[60]]);
    await gateway.kill9();
    const successes = (await Promise.all(writing)).filter((answer) => answer?.status === 200);
    await gateway.restart();
    const teams = (await gateway.admin('GET', '/team/list')).body as { team_id: string }[];
    const there = teams.map(({ team_id }) => team_id).filter((id) => id.startsWith('killed-'));
    const entries: Entry[] = [];
    for (const page of [1, 2, 3])
      entries.push(...(await entriesOf(`action=created&table_name=LiteLLM_TeamTable&page=${page}`)));
    const written = entries.map(({ object_id }) => object_id).filter((id) => id.startsWith('killed-'));
    expect(written.toSorted()).toEqual(there.toSorted());
    expect(there.length).toBeGreaterThanOrEqual(successes.length);
    expect(there.length).toBeLessThan(200);
  });
});

describe('audit_logs_retention', () => {
  it('deletes what is older, and nothing else', async () => {
    const short = await Gateway.start({ config: { general_settings: { audit_logs_retention: '1s' } } });
    try {
      for (let i = 0; i < 3; i++) await short.create('/team/new', {});
      const total = async () => (await short.admin('GET', '/audit')).body.total as number;
      expect(await total()).toBe(3);
      await new Promise((done) => setTimeout(done, 1_100));
      await short.terminate();
      await short.restart();
      await expect.poll(total).toBe(0);
      await short.create('/team/new', {});
      expect(await total()).toBe(1);
      expect((await short.admin('GET', '/team/list')).body).toHaveLength(4);
    } finally {
      await short.close();
    }
  });
});
