import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, Gateway } from '../harness/gateway.js';
import { saysNotFound, type Value, type Values } from '../harness/terraform/terraform.js';

/**
 * Replays requests that Terraform's provider for LiteLLM sent on the wire, in the order of a life: create, read, change,
 * delete. Each has its right status, and what the provider reads back afterwards is what it sent.
 */

/** A line of the fixture. `${key alias}`, `${organization alias}` and `${group name}` stand for ids that a create returned. */
interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: Values;
  /** The right status. */
  readonly status?: number;
  /** A member that the route does not take, in LiteLLM neither. The response names it. */
  readonly ignored?: string;
  /** A row that other recorded requests need. The provider did not send it. */
  readonly prepares?: true;
}

const lines = readFileSync(new URL('terraform-requests.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');
const requests = lines.map((line) => JSON.parse(line) as RecordedRequest);
const recorded = requests.filter(({ prepares }) => !prepares);
const isCreate = ({ method, path }: RecordedRequest) =>
  method === 'POST' && /^\/(v1\/access_group|key\/(service-account\/)?generate|\w+\/new)$/.test(path);

let gateway: Gateway;
beforeAll(async () => {
  gateway = await Gateway.start();
  for (const request of requests.filter(({ prepares }) => prepares)) await replay(request);
});
afterAll(() => gateway.close());

const send = (method: string, path: string, body?: Values) =>
  gateway.send(method, path, body, {
    authorization: `Bearer ${gateway.masterKey}`,
    'x-api-key': gateway.masterKey,
  });

/** Ids of created rows, by the placeholder in the fixture. */
const ids = new Map<string, string>();
const filled = <T>(value: T): T =>
  JSON.parse(JSON.stringify(value).replaceAll(/\$\{\w+ [^}]+\}/g, (name) => ids.get(name) ?? name)) as T;

async function replay(request: RecordedRequest): Promise<Answer> {
  const { method, path, body } = filled(request);
  const answer = await send(method, path, body);
  expect(answer.status, answer.text).toBe(request.status ?? answer.status);
  if (request.prepares) expect(answer.status, answer.text).toBeLessThan(300);
  if (isCreate(request) && answer.status < 300) {
    const { key, key_alias, organization_id, organization_alias, access_group_id, access_group_name } = answer.body as Record<string, string>;
    if (path.startsWith('/key')) ids.set(`\${key ${key_alias}}`, key!);
    if (path.startsWith('/organization')) ids.set(`\${organization ${organization_alias}}`, organization_id!);
    if (path.startsWith('/v1')) ids.set(`\${group ${access_group_name}}`, access_group_id!);
  }
  return answer;
} // prettier-ignore

const read = async (method: string, path: string, body?: Values) => {
  const answer = await send(method, path, body);
  expect(answer.status, answer.text).toBe(200);
  return answer.body as Record<string, Record<string, Value>>;
};

/** Returns a resource as the provider reads it after a create or a change. */
async function readBack(path: string, sent: Values, answer: Values): Promise<Record<string, Value>> {
  const id = (name: string) => (sent[name] ?? answer[name]) as string;
  switch (path.split('/')[1]) {
    case 'key': {
      const { info } = await read('GET', `/key/info?key=${encodeURIComponent(id('key'))}`);
      return { ...(info!.metadata as Values), ...info };
    }
    case 'team': {
      const query = `team_id=${id('team_id')}`;
      const { team_info } = await read('GET', `/team/info?${query}`);
      const { team_member_permissions } = await read('GET', `/team/permissions_list?${query}`);
      return { ...team_info, team_member_permissions: team_member_permissions! };
    }
    case 'user':
      return (await read('GET', `/user/info?user_id=${id('user_id')}`)).user_info!;
    case 'organization':
      return (await read('GET', `/organization/info?organization_id=${id('organization_id')}`)) as Record<string, Value>;
    case 'budget':
      return (await read('POST', '/budget/info', { budgets: [id('budget_id')] }))[0 as never]!;
    case 'tag':
      return (await read('POST', '/tag/info', { names: [id('name')] }))[id('name')]!;
    case 'model': {
      const model = (sent.model_info as Values).id ?? path.split('/')[2];
      return (await read('GET', `/model/info?litellm_model_id=${model as string}`)).data![0 as never] as Record<string, Value>;
    }
    case 'access_group':
      return (await read('GET', `/access_group/${(sent.access_group ?? path.split('/')[2]) as string}/info`)) as Record<string, Value>;
    default:
      return (await read('GET', `/v1/access_group/${(answer.access_group_id ?? path.split('/')[3]) as string}`)) as Record<string, Value>;
  }
} // prettier-ignore

/** Never read: secrets, lifetimes that became a date, and orders to the gateway. */
const UNREAD = new Set(['key', 'duration', 'auto_create_key', 'router_settings']);

/** Returns what the provider must read: what it sent, without nulls. */
const expected = (sent: Values, ignored?: string) =>
  Object.fromEntries(
    Object.entries(sent).filter(([name, value]) => !UNREAD.has(name) && name !== ignored && value !== null),
  );

const isWrite = (request: RecordedRequest) =>
  isCreate(request) ||
  (request.path.endsWith('/update') && request.method !== 'GET') ||
  request.method === 'PUT';

it('the fixture has every request, and each says what is right', () => {
  expect(recorded).toHaveLength(340);
  expect(recorded.filter(({ status }) => !status)).toEqual([]);
});

describe('a recorded request', () => {
  it.each(recorded)('$method $path $body', async (request) => {
    const answer = await replay(request);
    if (answer.status >= 400)
      expect(saysNotFound(new Error(answer.text)), answer.text).toBe(answer.status === 404);
    else if (isWrite(request) && request.path !== '/team/permissions_update') {
      const sent = filled(request.body!);
      const { ignored } = request;
      if (ignored) expect(answer.headers['x-tollgate-ignored']).toContain(ignored);
      expect(await readBack(filled(request.path), sent, answer.body as Values)).toMatchObject(
        expected(sent, ignored),
      );
    }
  });
});
