import { createHmac, createPublicKey } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { expectBalancedLedger } from '../harness/ledger-reader.js';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway } from '../harness/gateway.js';
import { AUDIENCE, Issuer } from '../harness/issuer.js';
import { operations } from '../harness/tenants.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

const CLAIMS = {
  user_id_jwt_field: 'sub',
  user_email_jwt_field: 'email',
  team_ids_jwt_field: 'realm.groups',
  org_id_jwt_field: 'org',
  end_user_id_jwt_field: 'customer',
};

let upstream: Upstream;
let issuer: Issuer;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  issuer = await Issuer.start({ robot: { realm: { groups: ['robots'] }, sub: undefined } });
  gateway = await started({});
});
afterAll(() => closeAll(gateway, issuer, upstream));

/** Starts a gateway that trusts the issuer. */
const started = (auth: object, general: object = {}) =>
  Gateway.start({
    upstream,
    config: {
      general_settings: {
        enable_jwt_auth: true,
        decision_log: 'all',
        budget_wait_ms: 0,
        litellm_jwtauth: { ...CLAIMS, issuer: issuer.url, audience: AUDIENCE, ...auth },
        ...general,
      },
    },
  });

const chat = (token: string, body: object = {}, headers: Record<string, string> = {}) =>
  gateway.chat(token, { model: 'm-out', max_tokens: 1, ...body }, headers);
const statusOf = async (answer: Promise<Answer>) => (await answer).status;
const errorOf = ({ status, body }: Answer) => [status, body.error?.type, body.error?.details?.check];

let serial = 0;
/** Makes a user in a team of an organization, and a token that names all of them. */
async function someone(team: object = {}) {
  const id = `jwt-${++serial}`;
  await gateway.create('/organization/new', { organization_id: id, organization_alias: id });
  await gateway.create('/team/new', { team_id: id, organization_id: id, ...team });
  await gateway.create('/user/new', { user_id: id, auto_create_key: false });
  await gateway.create('/team/member_add', { team_id: id, member: { role: 'user', user_id: id } });
  return { id, token: await issuer.token({ sub: id, realm: { groups: [id] } }) };
}

describe('a token of a trusted issuer', () => {
  it('that a client got by logging in is billed to its team', async () => {
    await gateway.create('/team/new', { team_id: 'robots', max_budget: 0.002 });
    const token = await issuer.login('robot');
    await gateway.create('/user/new', { user_id: 'robot', auto_create_key: false });
    expect(await statusOf(chat(token))).toBe(200);
    expect(await statusOf(chat(token))).toBe(200);
    const refused = await chat(token);
    expect(errorOf(refused)).toEqual([429, 'budget_exceeded', 'budgetsHaveRoom']);
    expect(refused.body.error.details.scope).toEqual({ kind: 'team', id: 'robots' });
    expect((await gateway.admin('GET', '/team/info?team_id=robots')).body.team_info.spend).toBe(0.002);
    const logs = (await gateway.admin('GET', '/spend/logs?team_id=robots')).body as Record<string, unknown>[];
    expect(logs).toHaveLength(2);
    expect(logs[0]).toMatchObject({ team_id: 'robots', user: 'robot', api_key: '' });
  });

  it('is accepted wherever a key is, and a key still is', async () => {
    const { token } = await someone();
    for (const header of ['x-litellm-api-key', 'api-key', 'x-api-key', 'x-goog-api-key'])
      expect(await statusOf(gateway.send('GET', '/v1/models', undefined, { [header]: token }))).toBe(200);
    expect(await statusOf(chat(await gateway.createKey()))).toBe(200);
    expect(await statusOf(chat(gateway.masterKey))).toBe(200);
  });

  it('of a user that is not there is refused in the seed’s words', async () => {
    const { status, body } = await chat(await issuer.token({ sub: 'nobody' }));
    expect([status, body.error.message]).toEqual([
      403,
      "User doesn't exist in db. 'user_id'=nobody. Create user via `/user/new` call.",
    ]);
    await gateway.create('/user/new', { user_id: 'nobody', auto_create_key: false });
    expect(await statusOf(chat(await issuer.token({ sub: 'nobody' })))).toBe(200);
  });

  it('finds its user by the id of a login, or by address', async () => {
    await gateway.create('/user/new', {
      user_id: 'found',
      sso_user_id: 'sso|1',
      user_email: 'Found@corp.io',
      models: ['m-free'],
      auto_create_key: false,
    });
    for (const claims of [{ sub: 'sso|1' }, { sub: 'unknown', email: 'found@CORP.io' }])
      expect((await chat(await issuer.token(claims))).body.error.type).toBe('user_model_access_denied');
    const unverified = await chat(await issuer.token({ sub: 'unknown', email: 'found@corp.io', email_verified: false })); // prettier-ignore
    expect(unverified.body.error.message).toContain("'user_id'=unknown");
  });

  it('has the models, aliases and rates of its team and user', async () => {
    const { id, token } = await someone({ models: ['m-free', 'm-out'], model_aliases: { quick: 'm-free' } });
    expect((await chat(token, { model: 'm-in' })).body.error.type).toBe('team_model_access_denied');
    expect(await statusOf(chat(token, { model: 'quick' }))).toBe(200);
    const { body } = await gateway.as(token, 'GET', '/v1/models');
    expect((body.data as { id: string }[]).map((one) => one.id).toSorted()).toEqual([
      'm-free',
      'm-out',
      'quick',
    ]);
    await gateway.create('/user/update', { user_id: id, rpm_limit: 1 });
    expect(await statusOf(chat(token))).toBe(200);
    expect(errorOf(await chat(token))).toEqual([429, 'rate_limit_exceeded', 'rateLimitsHaveRoom']);
  });

  it('acts for the first of its teams that may call the model, or the one asked for', async () => {
    const [a, b] = [
      await someone({ models: ['m-free'] }),
      await someone({ models: ['m-out'], team_alias: 'blue' }),
    ];
    const token = await issuer.token({ sub: a.id, realm: { groups: ['no-team', a.id, b.id] } });
    const spendOf = async ({ id }: { id: string }) =>
      (await gateway.admin('GET', `/team/info?team_id=${id}`)).body.team_info.spend as number;
    expect(await statusOf(chat(token))).toBe(200);
    expect([await spendOf(a), await spendOf(b)]).toEqual([0, 0.001]);
    const as = (team: string) => chat(token, {}, { 'x-litellm-team-id': team });
    expect((await as(a.id)).body.error.type).toBe('team_model_access_denied');
    expect(await statusOf(as(b.id))).toBe(200);
    expect(await statusOf(as('blue'))).toBe(200);
    expect(await spendOf(b)).toBe(0.003);
    for (const foreign of ['robots', 'no-such-team', '']) {
      const answer = await as(foreign);
      expect(foreign === '' ? answer.status : errorOf(answer)).toEqual(
        foreign === '' ? 200 : [403, 'auth_error', 'credentialIsKnown'],
      );
    }
  });

  it('names its end user itself', async () => {
    const { id } = await someone();
    await gateway.create('/customer/new', { user_id: 'c-blocked', blocked: true });
    const token = await issuer.token({ sub: id, customer: 'c-blocked' });
    const { body } = await chat(token, { user: 'somebody-else' });
    expect(body.error.details.scope).toEqual({ kind: 'end_user', id: 'c-blocked' });
  });

  it('may ask why, about itself', async () => {
    const { token } = await someone({ models: ['m-free'] });
    const ask = (subject: string, asker = token) =>
      gateway.as(asker, 'POST', '/access/v1/evaluation', {
        subject: { type: 'jwt', id: subject },
        action: { name: 'call' },
        resource: { type: 'model', id: 'm-out' },
      });
    const { body, text } = await ask(token);
    expect(body).toMatchObject({ decision: false, context: { code: 'model_not_allowed' } });
    expect(text).not.toContain(token);
    expect(await statusOf(ask((await someone()).token))).toBe(403);
    expect((await ask(token, gateway.masterKey)).body).toEqual(body);
    const forged = `${token.slice(0, -8)}AAAAAAAA`;
    expect((await ask(forged, gateway.masterKey)).body.context.code).toBe('token_invalid');
  });

  it.each<[string, (id: string) => Promise<unknown>, number]>([
    ['block the user', (id) => gateway.create('/user/update', { user_id: id, blocked: true }), 403],
    ['delete the user', (id) => gateway.create('/user/delete', { user_ids: [id] }), 403],
    ['block the team', (id) => gateway.create('/team/block', { team_id: id }), 403],
    ['delete the team', (id) => gateway.create('/team/delete', { team_ids: [id] }), 403],
    ['take the model from the team', (id) => gateway.create('/team/update', { team_id: id, models: ['m-free'] }), 403],
    ['take the model from the member', (id) => gateway.create('/team/member_update', { team_id: id, user_id: id, allowed_models: ['m-free'] }), 403],
    ['lower the user’s budget', (id) => gateway.create('/user/update', { user_id: id, max_budget: 0 }), 429],
    ['block the organization', (id) => gateway.admin('PATCH', '/organization/update', { organization_id: id, blocked: true }), 403],
  ])('is worth nothing any more from the answer on: %s', async (_, revoke, status) => {
    const { id, token } = await someone();
    expect(await statusOf(chat(token))).toBe(200);
    await revoke(id);
    expect(await statusOf(chat(token))).toBe(status);
  }); // prettier-ignore
});

describe('at the administrators’ doors', () => {
  it('a token of a scope is an administrator for the routes of administrators, and for no model', async () => {
    const token = await issuer.token({ sub: 'root', scope: 'openid litellm_proxy_admin' });
    expect(await statusOf(gateway.as(token, 'POST', '/user/new', { user_id: 'by-root' }))).toBe(200);
    expect(await statusOf(gateway.as(token, 'GET', '/user/list'))).toBe(200);
    const refused = await chat(token);
    expect(errorOf(refused)).toEqual([403, 'auth_error', 'routeIsAllowed']);
    expect(refused.body.error.message).toMatch(/^Admin not allowed to access this route\. Route=\/v1\/chat\/completions, Allowed Routes=\[management_routes/); // prettier-ignore
  });

  it('a scope that only looks like it makes nothing of anybody', async () => {
    const { id } = await someone();
    for (const scope of ['admin', 'proxy_admin', 'litellm_proxy_admin_', ['admin'], { admin: true }]) {
      const more = { scope, role: 'proxy_admin', roles: ['proxy_admin'], user_role: 'proxy_admin' };
      expect(
        await statusOf(gateway.as(await issuer.token({ sub: id, ...more }), 'POST', '/user/new', {})),
      ).toBe(403);
      expect(await statusOf(chat(await issuer.token({ ...more })))).toBe(403);
    }
  });

  it('a user’s token sees and makes what is the user’s, and nobody sees another’s answer', async () => {
    const [mia, ben] = [await someone(), await someone()];
    await gateway.createKey({ user_id: ben.id });
    const list = async (token: string) => (await gateway.as(token, 'GET', '/key/list')).body.total_count as number;
    expect([await list(gateway.masterKey) > 1, await list(mia.token), await list(ben.token)]).toEqual([true, 0, 1]);
    const created = await gateway.as(mia.token, 'POST', '/key/generate', { models: ['m-free'] });
    expect(created.body).toMatchObject({ user_id: mia.id, models: ['m-free'] });
    expect(await list(mia.token)).toBe(1);
    expect(await statusOf(gateway.as(mia.token, 'POST', '/key/generate', { user_id: ben.id }))).toBe(403);
    expect(await statusOf(gateway.as(mia.token, 'POST', '/key/update', { key: created.body.key, max_budget: 1 }))).toBe(200);
    await gateway.create('/user/update', { user_id: mia.id, models: ['m-free'] });
    expect((await gateway.as(mia.token, 'POST', '/key/generate', { models: ['m-out'] })).body.error.param).toBe('models');
    expect(await statusOf(gateway.as(mia.token, 'GET', '/key/info'))).toBe(400);
  }); // prettier-ignore

  it('every route for models opens to a team’s token alike', async () => {
    await gateway.create('/team/new', { team_id: 'apps' });
    const token = await issuer.token({ realm: { groups: ['apps'] } });
    const doors = (await operations(gateway)).filter(({ method, path }) => method === 'POST' && /completions|embeddings|messages|responses|images|audio|rerank|moderations/.test(path)); // prettier-ignore
    expect(doors.length).toBeGreaterThanOrEqual(12);
    for (const { path, door } of doors) {
      const { status } = await gateway.as(token, 'POST', path.replace('{model}', 'm-free'), '{"broken');
      expect({ door, status }).toEqual({ door, status: 400 });
    }
    expect(await statusOf(gateway.as(token, 'GET', '/team/info?team_id=apps'))).toBe(200);
    expect(await statusOf(gateway.as(token, 'POST', '/key/generate', {}))).toBe(403);
  });
});

describe('a forged token', () => {
  let canary: Server;
  let connections = 0;
  let pem: string;
  let foreign: Awaited<ReturnType<typeof generateKeyPair>>;
  const canaryUrl = () => `http://127.0.0.1:${(canary.address() as AddressInfo).port}/keys`;
  beforeAll(async () => {
    canary = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((done) => canary.listen(0, '127.0.0.1', done));
    pem = createPublicKey({ key: issuer.publicKey as never, format: 'jwk' }).export({ type: 'spki', format: 'pem' }) as string; // prettier-ignore
    foreign = await generateKeyPair('RS256', { extractable: true });
  });
  afterAll(() => canary.close());
  beforeEach(() => issuer.asked.clear());

  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = (more: object = {}) => ({
    iss: issuer.url,
    aud: AUDIENCE,
    exp: Math.floor(Date.now() / 1_000) + 600,
    sub: 'nobody',
    scope: 'litellm_proxy_admin',
    ...more,
  });
  const raw = (header: object, signature: (input: string) => string, payload: object = claims()) => {
    const input = `${part(header)}.${part(payload)}`;
    return `${input}.${signature(input)}`;
  };
  const signedWith = (secret: string) => (input: string) =>
    createHmac('sha256', secret).update(input).digest('base64url');
  const ofForeign = (header: object = {}) => issuer.token(claims(), header, foreign.privateKey);
  const inSeconds = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds;

  it.each<[string, () => Promise<string> | string]>([
    ['alg none', () => raw({ alg: 'none' }, () => '')],
    ['alg none, with a signature', () => raw({ alg: 'none', kid: issuer.key.kid }, () => 'AAAA')],
    ['alg NoNe', () => raw({ alg: 'NoNe' }, () => '')],
    ['HS256 with the public key, PEM', () => raw({ alg: 'HS256', kid: issuer.key.kid }, signedWith(pem))],
    ['HS256 with the public key, trimmed', () => raw({ alg: 'HS256' }, signedWith(pem.trim()))],
    ['HS256 with the public key, JWK', () => raw({ alg: 'HS256' }, signedWith(JSON.stringify(issuer.publicKey)))],
    ['HS256 with nothing', () => raw({ alg: 'HS256' }, signedWith(''))],
    ['another key under the same kid', () => ofForeign()],
    ['another key without a kid', () => ofForeign({ kid: undefined as never })],
    ['kid as a path', () => ofForeign({ kid: '../../../../dev/null' })],
    ['kid as SQL', () => ofForeign({ kid: "k1' UNION SELECT 'secret'--" })],
    ['kid as an address', () => ofForeign({ kid: canaryUrl() })],
    ['an embedded jwk', async () => ofForeign({ jwk: (await exportJWK(foreign.publicKey)) as JWK })],
    ['a jku', () => ofForeign({ jku: canaryUrl() })],
    ['an x5u', () => ofForeign({ x5u: canaryUrl() })],
    ['a critical header nobody knows', () => issuer.token(claims(), { crit: ['exp'], exp: 1 } as never).catch(() => raw({ alg: 'RS256', crit: ['x'], x: 1 }, () => 'AAAA'))],
    ['another audience', () => issuer.token(claims({ aud: 'other' }))],
    ['no audience', () => issuer.token(claims({ aud: undefined }))],
    ['an audience that only begins the same', () => issuer.token(claims({ aud: `${AUDIENCE}2` }))],
    ['another issuer', () => issuer.token(claims({ iss: 'https://evil.example' }))],
    ['an issuer that is the canary', () => issuer.token(claims({ iss: canaryUrl() }))],
    ['no issuer', () => issuer.token(claims({ iss: undefined }))],
    ['no end', () => issuer.token(claims({ exp: undefined }))],
    ['an end that is no number', () => issuer.token(claims({ exp: 'never' }))],
    ['a beginning to come', () => issuer.token(claims({ nbf: inSeconds(60) }))],
    ['a changed payload', async () => (await issuer.token(claims({ scope: '' }))).replace(/\.[^.]+\./, `.${part(claims())}.`)],
    ['no signature', async () => (await issuer.token(claims())).replace(/[^.]+$/, '')],
    ['malformed base64', () => '!!!.???.***'],
    ['three dots and nothing', () => '..'],
    ['a header that is no object', () => `${Buffer.from('7').toString('base64url')}.${part(claims())}.AAAA`],
    ['a payload that is no object', () => `${part({ alg: 'RS256' })}.${Buffer.from('[]').toString('base64url')}.AAAA`],
    ['a thousand braces', () => `${Buffer.from('['.repeat(1_000)).toString('base64url')}.e30.AAAA`],
  ])('%s: 401', async (_, forge) => {
    const token = await forge();
    for (const answer of [await chat(token), await gateway.as(token, 'GET', '/user/list')])
      expect(errorOf(answer)).toEqual([401, 'auth_error', 'credentialIsKnown']);
    expect(connections).toBe(0);
    for (const path of issuer.asked.keys())
      expect(['/.well-known/openid-configuration', '/jwks']).toContain(path);
  }); // prettier-ignore

  it('that is over: 401 expired_key, whether it was seen before or not', async () => {
    const { id } = await someone();
    expect(errorOf(await chat(await issuer.token({ sub: id, exp: inSeconds(-1) })))).toEqual([401, 'expired_key', 'credentialIsKnown']); // prettier-ignore
    const short = await issuer.token({ sub: id, exp: inSeconds(2) });
    expect(await statusOf(chat(short))).toBe(200);
    await eventually(async () => expect(errorOf(await chat(short))[1]).toBe('expired_key'));
  });

  it('with the first 200 characters of a good one: 401', async () => {
    const { token } = await someone();
    expect(await statusOf(chat(token))).toBe(200);
    const twin = token.slice(0, 200) + token.slice(200).split('').toReversed().join('');
    expect(await statusOf(chat(twin))).toBe(401);
    expect(await statusOf(chat(`${token}A`))).toBe(401);
    expect(await statusOf(chat(token))).toBe(200);
  });

  it('of a megabyte: refused, and the next one is served', async () => {
    const { token } = await someone();
    const huge = await gateway
      .as(`${token}.${'A'.repeat(1_000_000)}`, 'GET', '/v1/models')
      .catch(() => ({ status: 431 }));
    expect(huge.status).toBe(431);
    expect(await statusOf(gateway.as('A'.repeat(9_000) + '.e30.AAAA', 'GET', '/v1/models'))).toBe(401);
    expect(await statusOf(chat(token))).toBe(200);
  });

  it('by a key that was rotated away: 401; by the new one: served', async () => {
    const { id } = await someone();
    await issuer.rotate();
    await eventually(async () => expect(await statusOf(chat(await issuer.token({ sub: id })))).toBe(200)); // prettier-ignore
    const { key } = issuer;
    await issuer.rotate();
    await eventually(async () => expect(await statusOf(chat(await issuer.token({ sub: id })))).toBe(200)); // prettier-ignore
    expect(await statusOf(chat(await issuer.token({ sub: id }, { kid: key.kid }, key.privateKey)))).toBe(401);
  });
});

it('nothing of a token is written down, and the books are true', async () => {
  const { token } = await someone();
  expect(await statusOf(chat(token))).toBe(200);
  const forged = `${token.slice(0, -8)}AAAAAAAA`;
  const { text } = await chat(forged);
  for (const piece of [...token.split('.'), forged])
    expect([gateway.logs.includes(piece), text.includes(piece)]).toEqual([false, false]);
  expectBalancedLedger(await gateway.books());
});

describe('an administrator’s address', () => {
  it('is his as it is written, and verified', async () => {
    const email = 'kboss\u00e9@corp.io';
    await gateway.create('/user/new', { user_id: 'kboss', user_email: email, user_role: 'proxy_admin', auto_create_key: false }); // prettier-ignore
    const asAdmin = async (claims: object) =>
      (await gateway.as(await issuer.token({ sub: 'stranger', ...claims }), 'POST', '/user/new', { auto_create_key: false })).status; // prettier-ignore
    for (const same of [email, 'KBOSS\u00e9@CORP.io', 'kbosse\u0301@corp.io'])
      for (const email_verified of [undefined, true, 'true'])
        expect(await asAdmin({ email: same, email_verified })).toBe(200);
    for (const other of [
      '\u212aboss\u00e9@corp.io',
      'kbo\u017fs\u00e9@corp.io',
      'kboss\u00c9@corp.io',
      ` ${email}`,
    ])
      expect(await asAdmin({ email: other })).toBe(403);
    for (const email_verified of [false, 'false', 0, '', null, 'TRUE', {}])
      expect(await asAdmin({ email, email_verified })).toBe(403);
  });

  it('nor is his name in the audit log the master key’s', async () => {
    await gateway.create('/user/new', { user_id: 'default_user_id', user_role: 'proxy_admin', auto_create_key: false }); // prettier-ignore
    const changedBy = async (secret: string) => {
      const { body } = await gateway.as(secret, 'POST', '/team/new', {});
      const { audit_logs } = (await gateway.admin('GET', `/audit?object_id=${body.team_id}`)).body;
      return [body.created_by, audit_logs[0].changed_by] as string[];
    };
    const key = await gateway.createKey({ user_id: 'default_user_id' });
    expect(await changedBy(await issuer.token({ sub: 'default_user_id' }))).toEqual(Array(2).fill('jwt:default_user_id')); // prettier-ignore
    expect(await changedBy(key)).toEqual(Array(2).fill('key:default_user_id'));
    expect(await changedBy(gateway.masterKey)).toEqual(Array(2).fill('default_user_id'));
  });
});

describe('of two issuers', () => {
  let partner: Issuer;
  let both: Gateway;
  beforeAll(async () => {
    partner = await Issuer.start();
    const boss = [{ role: 'gw-admin', internal_role: 'proxy_admin' }];
    both = await started({
      ...Object.fromEntries(Object.keys(CLAIMS).map((field) => [field, undefined])),
      issuer: undefined,
      audience: undefined,
      user_email_jwt_field: 'email',
      roles_jwt_field: 'roles',
      role_mappings: boss,
      admin_jwt_scope: 'litellm_proxy_admin',
      issuers: [
        { issuer: issuer.url, audience: AUDIENCE, user_id_jwt_field: 'sub', roles_jwt_field: 'roles', role_mappings: boss, admin_jwt_scope: 'gw' },
        { issuer: partner.url, audience: 'partner', user_id_jwt_field: 'uid', user_id_prefix: 'partner/' },
      ],
    }); // prettier-ignore
    await both.create('/user/new', { user_id: 'boss', user_email: 'boss@corp.io', user_role: 'proxy_admin', auto_create_key: false }); // prettier-ignore
    for (const user_id of ['partner/boss', 'partner/x'])
      await both.create('/user/new', { user_id, auto_create_key: false });
  });
  afterAll(() => closeAll(both, partner));
  const makesUser = async (token: Promise<string>) =>
    (await both.as(await token, 'POST', '/user/new', { auto_create_key: false })).status;

  it('each speaks for what it was given', async () => {
    for (const claims of [{ sub: 'boss' }, { sub: 'a', scope: 'gw' }, { sub: 'a', roles: ['gw-admin'] }])
      expect(await makesUser(issuer.token(claims))).toBe(200);
    for (const claims of [
      { sub: 'a', scope: 'litellm_proxy_admin' },
      { sub: 'a', email: 'boss@corp.io' },
    ])
      expect(await makesUser(issuer.token(claims))).toBe(403);
    const ofPartner = (claims: object) => partner.token({ aud: 'partner', ...claims });
    for (const claims of [
      { uid: 'boss' },
      { uid: 'x', email: 'boss@corp.io' },
      { uid: 'x', scope: 'gw litellm_proxy_admin' },
      { uid: 'x', roles: ['gw-admin'] },
      { sub: 'boss' },
      { uid: 'x', aud: AUDIENCE },
    ])
      expect(await makesUser(ofPartner(claims)), JSON.stringify(claims)).not.toBe(200);
    expect(await statusOf(both.chat(await ofPartner({ uid: 'x' }), { model: 'm-free' }))).toBe(200);
  });

  it('none has what stands beside them, and the start names that', () => {
    const [warning] = both.logs.split('\n').filter((line) => line.includes('without effect'));
    for (const field of ['user_email_jwt_field', 'roles_jwt_field', 'role_mappings', 'admin_jwt_scope'])
      expect(warning).toContain(`litellm_jwtauth.${field}`);
  });
});

describe('with upserts and scopes', () => {
  let open: Gateway;
  beforeAll(async () => {
    issuer.isDown = true;
    open = await started({
      user_id_upsert: true,
      team_id_upsert: true,
      upsert_sso_user_to_team: true,
      org_id_jwt_field: undefined,
      org_alias_jwt_field: 'org',
      admin_allowed_routes: ['llm_api_routes', 'info_routes'],
      enforce_scope_based_access: true,
      scope_mappings: [{ scope: 'chat', models: ['m-out', 'm-free'] }],
    });
  });
  afterAll(() => open.close());
  const call = async (claims: object, model = 'm-out') =>
    open.chat(await issuer.token({ scope: 'chat', ...claims }), { model, max_tokens: 1 });

  it('an issuer that does not answer: 503, and when it does: served', async () => {
    const { status, headers, body } = await call({ sub: 'early' });
    expect([status, headers['retry-after'], body.error.type]).toEqual([503, '5', 'service_unavailable']);
    issuer.isDown = false;
    await eventually(async () => expect((await call({ sub: 'early' })).status).toBe(200));
  });

  it('a user that many calls bring is made once', async () => {
    const claims = { sub: 'fresh', email: 'fresh@corp.io', realm: { groups: ['fresh-team'] } };
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(claims)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const { body } = await open.admin('GET', '/user/info?user_id=fresh');
    expect(body.user_info).toMatchObject({
      user_email: 'fresh@corp.io',
      user_role: 'internal_user',
      spend: 0.02,
    });
    const team = (await open.admin('GET', '/team/info?team_id=fresh-team')).body.team_info;
    expect(team.members_with_roles).toMatchObject([{ user_id: 'fresh', role: 'user' }]);
    expect(team.spend).toBe(0.02);
  });

  it('an address that many first tokens name is one user’s, whatever their ids', async () => {
    const ids = Array.from({ length: 40 }, (_, i) => `twin-${i}`);
    const answers = await Promise.all(ids.map((sub) => call({ sub, email: 'Twin@corp.io' })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const { users } = (await open.admin('GET', '/user/list?user_ids=twin-')).body;
    expect(users).toMatchObject([{ user_email: 'Twin@corp.io', spend: 0.04 }]);
  });

  it('only the models of its scopes, and no keys beside', async () => {
    expect(errorOf(await call({ sub: 'fresh' }, 'm-in'))).toEqual([403, 'key_model_access_denied', 'modelIsAllowed']);
    expect(errorOf(await call({ sub: 'fresh', scope: 'other' }))).toEqual([403, 'key_model_access_denied', 'modelIsAllowed']);
    const token = await issuer.token({ sub: 'fresh', scope: 'chat' });
    expect((await open.as(token, 'POST', '/key/generate', {})).status).toBe(403);
    const { body } = await open.as(token, 'GET', '/v1/models');
    expect((body.data as { id: string }[]).map(({ id }) => id).toSorted()).toEqual(['m-free', 'm-out']);
  }); // prettier-ignore

  it('an organization by its alias, which must be one’s alone', async () => {
    await open.create('/organization/new', {
      organization_id: 'o1',
      organization_alias: 'acme',
      models: ['m-free'],
    });
    expect((await call({ sub: 'fresh', org: 'acme' })).body.error.type).toBe('org_model_access_denied');
    for (const org of ['nowhere', 'o1'])
      expect(errorOf(await call({ sub: 'fresh', org }))).toEqual([403, 'auth_error', 'credentialIsKnown']);
    await open.create('/organization/new', { organization_id: 'o2', organization_alias: 'acme' });
    expect((await call({ sub: 'other', org: 'acme' })).status).toBe(403);
  });

  it('an administrator may be let call models', async () => {
    expect((await call({ sub: 'root', scope: 'litellm_proxy_admin' }, 'm-in')).status).toBe(200);
    const token = await issuer.token({ sub: 'root', scope: 'litellm_proxy_admin' });
    expect((await open.as(token, 'POST', '/user/new', {})).status).toBe(403);
  });
});

describe('of a role with routes of its own', () => {
  it('a key it makes may call no more than the token', async () => {
    const limited = await started(
      { enforce_rbac: true },
      {
        role_permissions: [
          { role: 'internal_user', routes: ['/v1/chat/completions', '/key/generate', '/key/update'] },
        ],
      },
    );
    onTestFinished(() => limited.close());
    await limited.create('/user/new', { user_id: 'narrow', auto_create_key: false });
    const token = await issuer.token({ sub: 'narrow' });
    const make = (body: object) => limited.as(token, 'POST', '/key/generate', body);
    for (const body of [{}, { allowed_routes: ['llm_api_routes'] }, { allowed_routes: ['/v1/embeddings'] }]) {
      const { status, body: answer } = await make(body);
      expect([status, answer.error.param]).toEqual([403, 'allowed_routes']);
    }
    const { key } = (await make({ allowed_routes: ['/v1/chat/completions'] })).body;
    expect((await limited.chat(key, { model: 'm-out', max_tokens: 1 })).status).toBe(200);
    const wider = await limited.as(token, 'POST', '/key/update', { key, allowed_routes: [] });
    expect([wider.status, wider.body.error.param]).toEqual([403, 'allowed_routes']);
  });
});
