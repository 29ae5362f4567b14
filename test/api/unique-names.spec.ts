import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway } from '../harness/gateway.js';

const AT_ONCE = 8;

let gateway: Gateway;
beforeAll(async () => {
  gateway = await Gateway.start();
});
afterAll(() => closeAll(gateway));

let serial = 0;
const fresh = (name: string) => `${name}-${++serial}`;
const post = (path: string, body: unknown) => gateway.admin('POST', path, body);
const atOnce = <T>(ask: (i: number) => Promise<T>) =>
  Promise.all(Array.from({ length: AT_ONCE }, (_, i) => ask(i)));

/** Expects one success. The others get a conflict with this message. */
function expectOneWinner(answers: readonly Answer[], message: string, param: string): void {
  expect(answers.map(({ status }) => status).toSorted()).toEqual([
    200,
    ...Array<number>(AT_ONCE - 1).fill(409),
  ]);
  for (const { status, body } of answers)
    if (status === 409) expect(body.error).toMatchObject({ message, param, type: 'conflict_error' });
}

const keysWith = async (alias: string) =>
  (await gateway.admin('GET', `/key/list?key_alias=${alias}`)).body.total_count as number;
const usersWith = async (email: string) =>
  (await gateway.admin('GET', `/user/list?user_email=${encodeURIComponent(email)}`)).body.total as number;

describe('the alias of a key', () => {
  const conflictOf = (alias: string) => [`Key with alias '${alias}' already exists`, 'key_alias'] as const;

  it('is one key’s, however many are made with it at once', async () => {
    const alias = fresh('made');
    expectOneWinner(await atOnce(() => post('/key/generate', { key_alias: alias })), ...conflictOf(alias));
    expect(await keysWith(alias)).toBe(1);
  });

  it('is one key’s, however many take it at once', async () => {
    const alias = fresh('taken');
    const keys = await atOnce(() => gateway.createKey());
    expectOneWinner(
      await atOnce((i) => post('/key/update', { key: keys[i], key_alias: alias })),
      ...conflictOf(alias),
    );
    expect(await keysWith(alias)).toBe(1);
  });

  it('is free again when its key is deleted, and none is nobody’s', async () => {
    const alias = fresh('again');
    await gateway.createKey({ key_alias: alias });
    await gateway.create('/key/delete', { key_aliases: [alias] });
    const key = await gateway.createKey({ key_alias: alias });
    expect((await post('/key/update', { key, key_alias: alias })).status).toBe(200);
    for (const none of ['', null, undefined])
      for (const _ of [1, 2]) expect((await post('/key/generate', { key_alias: none })).status).toBe(200);
  });
});

describe('the address of a user', () => {
  const conflictOf = (email: string) => [`User with email ${email} already exists`, 'user_email'] as const;
  const user = (fields: object) => post('/user/new', { auto_create_key: false, ...fields });

  it('is one user’s, however many are made with it at once', async () => {
    const email = `${fresh('made')}@e.com`;
    expectOneWinner(await atOnce(() => user({ user_email: email })), ...conflictOf(email));
    expect(await usersWith(email)).toBe(1);
  });

  it('is one user’s, however many take it at once', async () => {
    const email = `${fresh('taken')}@e.com`;
    const ids = await atOnce(async (i) => (await user({ user_id: fresh(`u${i}`) })).body.user_id as string);
    expectOneWinner(
      await atOnce((i) => post('/user/update', { user_id: ids[i], user_email: email })),
      ...conflictOf(email),
    );
    expect(await usersWith(email)).toBe(1);
  });

  it.each([
    ['teams', (email: string) => post('/team/new', { members_with_roles: [{ role: 'user', user_email: email }] })],
    ['an organization', async (email: string, organization: string) =>
      post('/organization/member_add', { organization_id: organization, member: { role: 'internal_user', user_email: email } })],
  ] as const)('that %s bring into being makes one user', async (_, ask) => {
    const id = fresh('org');
    await gateway.create('/organization/new', { organization_id: id, organization_alias: id });
    const email = `${fresh('joins')}@e.com`;
    const answers = await atOnce(() => ask(email, id));
    expect(answers.map(({ status }) => status)).toEqual(Array(AT_ONCE).fill(200));
    const { users } = (await gateway.admin('GET', `/user/list?user_email=${email}`)).body;
    expect(users).toHaveLength(1);
    for (const { text } of answers) expect(text).toContain(users[0].user_id);
  }); // prettier-ignore

  it('is compared in NFC and without the case of ASCII letters, alike on every database', async () => {
    const name = fresh('eve');
    const id = (await user({ user_email: `\u00c9${name}@x.test` })).body.user_id as string;
    expect((await user({ user_email: `E\u0301${name.toUpperCase()}@X.TEST` })).status).toBe(409);
    expect((await user({ user_email: `\u00e9${name}@x.test` })).status).toBe(200);
    expect(
      (await post('/user/update', { user_email: `\u00c9${name}@x.test`, user_alias: 'E' })).body.user_id,
    ).toBe(id);
    expect(await usersWith(`\u00c9${name}`)).toBeGreaterThan(0);
    expect((await user({ user_email: `k${name}@x.test` })).status).toBe(200);
    expect((await user({ user_email: `\u212a${name}@x.test` })).status).toBe(200);
  });

  it('is free again when its user is deleted, and its own may be written again', async () => {
    const email = `${fresh('again')}@e.com`;
    const id = (await user({ user_email: email })).body.user_id as string;
    expect((await post('/user/update', { user_id: id, user_email: email.toUpperCase() })).status).toBe(200);
    await gateway.create('/user/delete', { user_ids: [id] });
    expect((await user({ user_email: email })).status).toBe(200);
    expect((await user({ user_id: id, user_email: email })).body.error.message).toBe(conflictOf(email)[0]);
    for (const _ of [1, 2]) expect((await user({ user_email: null })).status).toBe(200);
  });
});

describe('the login id of a user', () => {
  it('is one user’s', async () => {
    const id = fresh('sso');
    const user = () => post('/user/new', { sso_user_id: id, auto_create_key: false });
    const responses = await atOnce(user);
    expectOneWinner(responses, `User with sso_user_id ${id} already exists`, 'sso_user_id');
    const winner = responses.find(({ status }) => status === 200)!.body.user_id as string;
    expect((await user()).status).toBe(409);
    await gateway.create('/user/delete', { user_ids: [winner] });
    expect((await user()).status).toBe(200);
  });
});
