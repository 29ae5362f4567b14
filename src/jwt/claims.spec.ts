import { describe, expect, it } from 'vitest';
import type { JwtClaims, JwtSettings } from '../config/config.js';
import { routeListAllows } from '../policy/routes.js';
import { subjectOf, type Payload, type TokenSubject } from './claims.js';

const settings = (more: Partial<JwtSettings> = {}): JwtSettings => ({
  issuers: [],
  keysTtlMs: 0,
  keysStaleTtlMs: 0,
  leewayMs: 0,
  adminScope: 'litellm_proxy_admin',
  adminAllowedRoutes: ['management_routes'],
  userAllowedRoles: [],
  userIdUpsert: false,
  teamIdUpsert: false,
  upsertUserToTeam: false,
  enforceRbac: false,
  enforceTeam: false,
  roleMappings: [],
  rolePermissions: [],
  ...more,
});

const CLAIMS: JwtClaims = { userId: 'sub', userEmail: 'email', teamIds: 'groups' };
const read = (payload: Payload, claims: JwtClaims = CLAIMS, more: Partial<JwtSettings> = {}) =>
  subjectOf(payload, claims, settings(more));
const holder = (...asked: Parameters<typeof read>) => read(...asked) as TokenSubject;
const mia = { sub: 'mia' };

describe('whom a token names', () => {
  it.each<[string, Payload, JwtClaims, Partial<TokenSubject>]>([
    ['a user', { sub: 'mia' }, { userId: 'sub' }, { userId: 'mia', teamIds: [] }],
    ['a number', { sub: 7 }, { userId: 'sub' }, { userId: '7' }],
    ['deep down', { a: { b: { c: 'mia' } } }, { userId: 'a.b.c' }, { userId: 'mia' }],
    ['under a name with dots', { 'https://x.y/id': 'mia' }, { userId: 'https://x.y/id' }, { userId: 'mia' }],
    ['by address, without an id', { email: 'mia@x.y' }, CLAIMS, { userId: 'mia@x.y', userEmail: 'mia@x.y' }],
    ['one team', { t: 'a' }, { teamId: 't' }, { teamIds: ['a'] }],
    ['the first of a list', { t: ['a', 'b'] }, { teamId: 't' }, { teamIds: ['a'] }],
    ['one team and more', { t: 'b', groups: ['a', 'b'] }, { ...CLAIMS, teamId: 't' }, { teamIds: ['b', 'a'] }],
    ['a team by alias', { a: 'blue' }, { teamAlias: 'a' }, { teamIds: [], teamAlias: 'blue' }],
    ['by id rather than alias', { t: 'x', a: 'blue' }, { teamId: 't', teamAlias: 'a' }, { teamIds: ['x'] }],
    ['everybody', { sub: 'm', o: 'org', oa: 'alias', e: 'end' }, { userId: 'sub', organizationId: 'o', organizationAlias: 'oa', endUserId: 'e' }, { userId: 'm', organizationId: 'org', organizationAlias: 'alias', endUserId: 'end' }],
  ])('%s', (_, payload, claims, expected) => expect(read(payload, claims)).toMatchObject(expected)); // prettier-ignore

  it.each<[string, Payload]>([
    ['nothing', {}],
    ['an empty name', { sub: '' }],
    ['an object', { sub: { id: 'mia' } }],
    ['a truth', { sub: true }],
    ['an empty list', { sub: [], groups: [] }],
    ['what cannot be stored', { sub: 'mia\0' }],
    ['half a character', { sub: 'mia\ud800' }],
    ['too much', { sub: 'x'.repeat(256) }],
    ...[false, 'false', 0, 1, null, '', 'True', 'yes', {}, []].map((verified): [string, Payload] => [
      `an address with email_verified: ${JSON.stringify(verified)}`,
      { email: 'mia@x.y', email_verified: verified },
    ]),
  ])('nobody: %s', (_, payload) => expect(read(payload)).toMatchObject({ code: 'token_not_allowed' }));

  it.each([undefined, true, 'true'])('an address with email_verified: %j', (email_verified) => {
    expect(holder({ sub: 'mia', email: 'mia@x.y', email_verified })).toMatchObject({ userEmail: 'mia@x.y' });
  });

  it('an address is none, wherever it stands, when the claim beside it or at the top says so', () => {
    const deep = { userId: 'sub', userEmail: 'who.email' };
    const unverified = (payload: Payload, claims: JwtClaims) =>
      expect(read(payload, claims)).not.toHaveProperty('userEmail');
    unverified({ sub: 'm', who: { email: 'm@x.y', email_verified: 'false' } }, deep);
    unverified({ sub: 'm', who: { email: 'm@x.y' }, email_verified: false }, deep);
    expect(read({ sub: 'm', who: { email: 'm@x.y', email_verified: true } }, deep)).toMatchObject({ userEmail: 'm@x.y' }); // prettier-ignore
    // The same claim as an id.
    for (const claims of [{ userId: 'email' }, { userId: 'upn', userEmail: 'upn' }])
      expect(read({ email: 'm@x.y', upn: 'm@x.y', email_verified: 'no' }, claims)).toMatchObject({ code: 'token_not_allowed' }); // prettier-ignore
    expect(read({ email: 'm@x.y' }, { userId: 'email' })).toMatchObject({ userId: 'm@x.y' });
  });

  it('is one of its issuer’s, where those have a prefix', () => {
    const by = (payload: Payload) => subjectOf(payload, CLAIMS, { ...settings(), userIdPrefix: 'partner/' });
    expect(by({ sub: 'boss' })).toMatchObject({ userId: 'partner/boss' });
    expect(by({ email: 'boss@x.y' })).toMatchObject({ userId: 'partner/boss@x.y' });
    expect(by({})).toMatchObject({ code: 'token_not_allowed' });
  });

  it('is no user of an issuer that tells no roles, where only some roles make one', () => {
    expect(read(mia, { userId: 'sub' }, { userAllowedRoles: ['dev'] })).toMatchObject({ code: 'token_not_allowed' }); // prettier-ignore
  });

  it('is nothing inherited', () => {
    for (const path of ['constructor.name', '__proto__.x', 'toString', 'a.constructor.name'])
      expect(read({ a: {} }, { userId: path })).toMatchObject({ code: 'token_not_allowed' });
  });

  it('is the default team where no claim names one', () => {
    const claims = { teamId: 't' };
    expect(read({}, claims)).toEqual({ code: 'token_invalid', reason: "No team found in token. Checked team_id field 't' and team_alias field ''." }); // prettier-ignore
    expect(read({ t: [] }, claims, { teamIdDefault: 'all' })).toMatchObject({ teamIds: ['all'] });
    expect(read({ t: 'x' }, claims, { teamIdDefault: 'all' })).toMatchObject({ teamIds: ['x'] });
  });

  it('is a team by id or by alias, and the default only without both', () => {
    const claims = { teamId: 't', teamAlias: 'a' };
    expect(holder({ t: 'x', a: 'blue' }, claims)).not.toHaveProperty('teamAlias');
    expect(read({ a: 'blue' }, claims, { teamIdDefault: 'all' })).toMatchObject({ teamIds: [], teamAlias: 'blue' }); // prettier-ignore
    expect(read(mia, { ...CLAIMS, teamId: 't' })).toMatchObject({ userId: 'mia', teamIds: [] });
  });

  it('is refused without a team where teams are enforced, and without the right domain', () => {
    expect(read(mia, CLAIMS, { enforceTeam: true })).toMatchObject({ code: 'token_not_allowed' });
    expect(read({ ...mia, groups: ['a'] }, CLAIMS, { enforceTeam: true })).toMatchObject({ userId: 'mia' });
    const ofDomain = (email: string | undefined) => read({ ...mia, email }, CLAIMS, { userAllowedEmailDomain: 'corp.io' }); // prettier-ignore
    expect(ofDomain('Mia@CORP.io')).toMatchObject({ userId: 'mia' });
    for (const email of [undefined, 'mia@evil.io', 'mia@evilcorp.io', 'mia@corp.io.evil'])
      expect(ofDomain(email)).toMatchObject({ code: 'token_not_allowed' });
    // The address has the Kelvin sign, whose lower case is k.
    expect(read({ ...mia, email: 'mia@\u212aite.io' }, CLAIMS, { userAllowedEmailDomain: 'kite.io' })).toMatchObject({ code: 'token_not_allowed' }); // prettier-ignore
    expect(read({ groups: ['a'] }, CLAIMS, { userAllowedEmailDomain: 'corp.io' })).toMatchObject({ teamIds: ['a'] }); // prettier-ignore
  });
});

describe('what a token makes of somebody', () => {
  it.each<[unknown, boolean]>([
    ['litellm_proxy_admin', true],
    ['openid litellm_proxy_admin email', true],
    [['openid', 'litellm_proxy_admin'], true],
    ['admin', false],
    ['proxy_admin', false],
    ['litellm_proxy_admin2', false],
    ['LITELLM_PROXY_ADMIN', false],
    [['openid litellm_proxy_admin'], false],
    [{ litellm_proxy_admin: true }, false],
    [undefined, false],
  ])('scope %j: administrator %s', (scope, isAdmin) => {
    const { role, routes } = holder({ ...mia, scope });
    expect(role === 'proxy_admin').toBe(isAdmin);
    expect(routes.length).toBe(isAdmin ? 1 : 0);
    expect(holder({ ...mia, scope }, CLAIMS, { adminScope: 'other' }).role).toBeUndefined();
  });

  it.each<[unknown, Partial<TokenSubject> | 'nobody']>([
    ['boss', { role: 'proxy_admin' }],
    [['none', 'team'], { teamIds: ['o1'] }],
    ['person', { userId: 'o1' }],
    ['proxy_admin', 'nobody'],
    ['constructor', 'nobody'],
  ])('role %j', (roles, expected) => {
    const read1 = read({ r: roles, oid: 'o1' }, { roles: 'r', objectId: 'oid' }, {
      roleMappings: [{ role: 'boss', internalRole: 'proxy_admin' }, { role: 'team', internalRole: 'team' }, { role: 'person', internalRole: 'internal_user' }],
      enforceRbac: true,
    }); // prettier-ignore
    expect(read1).toMatchObject(expected === 'nobody' ? { code: 'token_not_allowed' } : expected);
  });

  it('a user only with one of the roles that make one', () => {
    const claims = { userId: 'sub', userRoles: 'realm.roles' };
    const by = (roles: unknown) => read({ ...mia, realm: { roles } }, claims, { userAllowedRoles: ['dev'] });
    expect(by(['x', 'dev'])).toMatchObject({ userId: 'mia' });
    for (const roles of [['x'], [], undefined, 'developer'])
      expect(by(roles)).toMatchObject({ code: 'token_not_allowed' });
  });

  it('limits it to the models of its scopes and its role; then it makes no keys', () => {
    const scopeMappings = [
      { scope: 'chat', models: ['m-chat'], routes: ['/v1/chat/completions'] },
      { scope: 'embed', models: ['m-embed'] },
      { scope: 'nothing', models: [] },
    ];
    const by = (scope: string | undefined) => holder({ ...mia, scope }, CLAIMS, { scopeMappings });
    const names = (scope: string | undefined) =>
      by(scope).models.map((list) => list !== 'any' && [...list.names]);
    expect(names('chat embed')).toEqual([['m-chat', 'm-embed']]);
    expect(names('nothing')).toEqual([[]]);
    expect(names(undefined)).toEqual([[]]);
    expect(by('chat').role).toBe('customer');
    expect(by('chat').routes.map((list) => routeListAllows(list, '/v1/embeddings'))).toEqual([false]);
    for (const scope of ['chat embed', undefined]) expect(by(scope).routes).toEqual([]);
    const both = holder({ ...mia, scope: 'chat' }, CLAIMS, { scopeMappings, rolePermissions: [{ role: 'internal_user', models: ['m-x'], routes: ['info_routes'] }] }); // prettier-ignore
    expect(both.models).toHaveLength(2);
    expect(both.routes).toHaveLength(2);
  });

  it('an empty list of the configuration opens nothing', () => {
    const { routes } = holder(mia, CLAIMS, { rolePermissions: [{ role: 'internal_user', routes: [] }] });
    expect(routes.map((list) => routeListAllows(list, '/v1/models'))).toEqual([false]);
    const team = holder({ groups: ['a'] }, CLAIMS, { teamAllowedRoutes: [] });
    expect(team.routes.map((list) => routeListAllows(list, '/v1/models'))).toEqual([false]);
    expect(holder(mia, CLAIMS, { teamAllowedRoutes: [] }).routes).toEqual([]);
    const admin = holder({ scope: 'litellm_proxy_admin' }, CLAIMS, { adminAllowedRoutes: [] });
    expect(admin.routes.map((list) => routeListAllows(list, '/user/new'))).toEqual([false]);
  });
});
