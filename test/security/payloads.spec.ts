import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { everythingOf, makeTenant, type Operation, operations, type Tenant } from '../harness/tenants.js';
import { Upstream } from '../harness/upstream.js';

/** Texts that a database, a template, a shell or a parser might execute. They are sent in every field and query parameter. */

const INJECTIONS = [
  `' OR '1'='1`,
  `'; DROP TABLE virtual_keys; --`,
  `x' UNION SELECT secret_hash, key_name FROM virtual_keys --`,
  `") OR 1=1; --`,
  `\\'; SELECT pg_sleep(5); --`,
  `1; SELECT pg_sleep(5)`,
  `x'||(SELECT pg_sleep(5))||'`,
  `created_at; DROP TABLE users`,
  `{{7*7}}\${7*7}<%= 7*7 %>#{7*7}{{constructor.constructor('return 1')()}}`,
  `$(sleep 5)\`sleep 5\`|sleep 5;../../../../etc/passwd`,
  `<script>alert(1)</script>\r\nset-cookie: x=1`,
  `%_%_%_%_%_%_%_%_%_%_%_%_%_%_%_%`,
  '\u202e\ufeff\u{1f600} ﬁ Ω',
  'x'.repeat(20_000),
];
const SHAPES: readonly ((text: string) => unknown)[] = [
  (text) => text,
  (text) => [text],
  (text) => ({ [text.slice(0, 200)]: text }),
];
/** Parameters that control the output of a route and name no resource. */
const PAGING =
  /^(page|size|page_size|sort_by|sort_order|start_date|end_date|return_full_object|include_.*|expand)$/;

let upstream: Upstream;
let gateway: Gateway;
let known: Operation[];
let tenant: Tenant;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
  known = await operations(gateway);
  tenant = await makeTenant(gateway, 'bystander');
});
afterAll(() => closeAll(gateway, upstream));

const pathOf = ({ path }: Operation, text: string) =>
  path.replaceAll(/\{\w+\}/g, encodeURIComponent(text.slice(0, 500)));
const AT_ONCE = 8;

/** Runs `work` for each item, a few at a time. */
async function each<T>(things: readonly T[], work: (thing: T) => Promise<void>): Promise<void> {
  let next = 0;
  const some = async () => {
    while (next < things.length) await work(things[next++]!);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
}

/** Runs first, while no name has such a character. */
it.each(['%', '_', '%%', '_%', '%y%', '*', '?', '.*', '[a-z]', '\\%', `%${'_%'.repeat(50)}`])(
  '%s in a search is a text like any other: it finds nobody',
  async (wild) => {
    const searches = known.filter(({ method, path }) => method === 'GET' && !path.includes('{'));
    for (const { door, path, query } of searches) {
      for (const parameter of query.filter((one) => !PAGING.test(one))) {
        const ask = async (value: string) => {
          const { status, body } = await gateway.admin('GET', `${path}?${parameter}=${encodeURIComponent(value)}`);
          return { door, parameter, status, found: body.error ? body.error.type : body };
        };
        expect(await ask(wild)).toEqual(await ask('nobody-at-all'));
      }
    }
  },
); // prettier-ignore

// If the database ran one sleep in ten, the test would time out.
it('no text is anything but text: nobody is hurt and nothing breaks', async () => {
  const before = await everythingOf(gateway, tenant);
  const cases = known.flatMap((operation) =>
    INJECTIONS.flatMap((text, nth) => {
      const { query, fields, example, path } = operation;
      const inBody = (name: string) => SHAPES.slice(0, nth % 4 ? 1 : 3).map((shape) => ({ name, search: '', body: { ...example, [name]: shape(text) } }));
      const inQuery = (name: string) => ({ name, search: `?${name}=${encodeURIComponent(text.slice(0, 2_000))}`, body: undefined });
      const inPath = path.includes('{') ? [{ name: 'path', search: '', body: operation.method === 'GET' ? undefined : example }] : [];
      return [...query.map(inQuery), ...fields.flatMap(inBody), ...inPath].map((sent) => ({ operation, text, ...sent }));
    }),
  );
  expect(cases.length).toBeGreaterThan(3_000);
  await each(cases, async ({ operation, name, search, body, text }) => {
    const { status, headers, text: response } = await gateway.admin(operation.method, pathOf(operation, text) + search, body);
    const what = `${operation.door} ${name}=${text.slice(0, 60)}: ${response.slice(0, 300)}`;
    expect(status, what).toBeLessThan(500);
    expect(headers['set-cookie'], what).toBeUndefined();
    expect(response, what).not.toMatch(/SQLITE|syntax error|QueryFailed|node_modules|root:x:0/);
  });
  expect(await everythingOf(gateway, tenant)).toBe(before);
}); // prettier-ignore

describe('a text that is kept', () => {
  const texts = INJECTIONS.filter((text) => text.length < 300);

  it.each(texts)('%s comes back as it was sent', async (injection) => {
    const text = `kept ${injection}`;
    // A name has no characters that could forge a line of a log.
    const name = text.replaceAll(/[\p{Cc}\u202e]/gu, '');
    const metadata = { [text]: [text, { deep: text }] };
    const { key } = await gateway.create('/key/generate', { key_alias: name, metadata, aliases: { [name]: 'm-free' } });
    const { info } = (await gateway.admin('GET', `/key/info?key=${key}`)).body;
    expect(info).toMatchObject({ key_alias: name, metadata, aliases: { [name]: 'm-free' } });
    const found = (await gateway.admin('GET', `/key/list?return_full_object=true&key_alias=${encodeURIComponent(name)}`)).body;
    expect(found.keys.map(({ key_alias }: { key_alias: string }) => key_alias)).toEqual([name]);

    const { team_id } = await gateway.create('/team/new', { team_id: name, team_alias: name, metadata });
    expect(team_id).toBe(name);
    const team = await gateway.admin('GET', `/team/info?team_id=${encodeURIComponent(name)}`);
    expect(team.body.team_info).toMatchObject({ team_id: name, team_alias: name, metadata });

    await gateway.create('/user/new', { user_id: name, user_alias: name, auto_create_key: false, metadata });
    const user = await gateway.admin('GET', `/user/info?user_id=${encodeURIComponent(name)}`);
    expect(user.body.user_info).toMatchObject({ user_id: name, user_alias: name, metadata });

    await gateway.create('/customer/new', { user_id: name, alias: name });
    const customer = await gateway.admin('GET', `/customer/info?end_user_id=${encodeURIComponent(name)}`);
    expect(customer.body).toMatchObject({ user_id: name, alias: name });

    const call = await gateway.chat(key, { model: 'm-free', store: true, messages: [{ role: 'user', content: text }], metadata: { [text]: text } });
    expect(call.status).toBe(200);
    const { body } = upstream.calls.at(-1)!;
    expect(body).toMatchObject({ messages: [{ role: 'user', content: text }], metadata: { [text]: text } });
  }); // prettier-ignore
});
