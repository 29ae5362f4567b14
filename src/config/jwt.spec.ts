import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readJwtSettings, type JwtSummary } from './jwt.js';
import { Report, Section } from './section.js';

const nothing: JwtSummary = { keysUrl: undefined, audience: undefined, issuer: undefined };

function readSettings(auth: object | undefined, textFrom: JwtSummary = nothing, more: object = {}) {
  const report = new Report();
  const general = new Section({ enable_jwt_auth: true, ...(auth && { litellm_jwtauth: auth }), ...more }, 'general_settings', report); // prettier-ignore
  return { settings: readJwtSettings(general, textFrom), problems: report.problems, ignored: report.ignored };
}

const BOSS = { role: 'boss', internal_role: 'proxy_admin' };
const GOOD = { issuer: 'https://idp.example', audience: 'tollgate' };
const at = (key: string) => `general_settings.litellm_jwtauth.${key}`;
const textFrom = (text: string, name: string) => ({ text, at: name });

describe('enable_jwt_auth', () => {
  it('off: nothing is read, and that is said', () => {
    const { settings, problems, ignored } = readSettings({ user_id_upsert: 7 }, nothing, {
      enable_jwt_auth: false,
    });
    expect([settings, problems, ignored]).toEqual([undefined, [], ['general_settings.litellm_jwtauth']]);
  });

  it('needs to know who issues tokens, and for whom', () => {
    expect(readSettings(undefined).problems.map((problem) => problem.split(':')[0])).toEqual(
      ['issuer', 'public_key_url', 'audience'].map(at),
    );
    expect(readSettings({ audience: 'a', public_key_url: 'https://x.y/jwks' }).problems).toEqual([
      expect.stringContaining(at('issuer')),
    ]);
    expect(readSettings({ issuer: 'https://x.y' }).problems).toEqual([
      expect.stringContaining(at('audience')),
    ]);
    expect(readSettings({ ...GOOD, audience: [] }).problems).toEqual([
      expect.stringContaining(at('audience')),
    ]);
  });

  it('takes either from the environment, or that anybody is meant', () => {
    const fromEnv = readSettings(undefined, {
      keysUrl: textFrom(
        'https://a.b/jwks, https://c.d/.well-known/openid-configuration',
        'JWT_PUBLIC_KEY_URL',
      ),
      audience: textFrom('one,two', 'JWT_AUDIENCE'),
      issuer: textFrom('anything', 'JWT_ISSUER'),
    });
    expect(fromEnv.problems).toEqual([]);
    expect(fromEnv.settings!.issuers).toEqual([
      {
        issuer: 'anything',
        keyUrls: ['https://a.b/jwks', 'https://c.d/.well-known/openid-configuration'],
        audiences: ['one', 'two'],
        claims: {},
      },
    ]);
    const anybody = readSettings({
      public_key_url: 'https://a.b/jwks',
      disable_issuer_validation: true,
      disable_audience_validation: true,
    });
    expect(anybody.problems).toEqual([]);
    expect(anybody.settings!.issuers).toEqual([{ keyUrls: ['https://a.b/jwks'], claims: {} }]);
  });

  it('has LiteLLM’s defaults', () => {
    expect(readSettings(GOOD).settings).toMatchObject({
      keysTtlMs: 600_000,
      adminScope: 'litellm_proxy_admin',
      adminAllowedRoutes: expect.arrayContaining(['management_routes', 'info_routes']) as unknown,
      userIdUpsert: false,
      teamIdUpsert: false,
      enforceRbac: false,
    });
    expect(readSettings({ ...GOOD, admin_jwt_scope: '' }).settings).not.toHaveProperty('adminScope');
  });

  it('gives the only issuer what stands beside it, and its own over that', () => {
    const common = { user_id_jwt_field: 'sub', team_ids_jwt_field: 'groups', roles_jwt_field: 'roles', role_mappings: [BOSS], admin_jwt_scope: 'root' };
    const entry = { issuer: 'https://a.b', audience: 'x', user_id_jwt_field: 'oid' };
    const { settings, problems, ignored } = readSettings({ ...common, issuers: [entry] });
    expect([problems, ignored]).toEqual([[], []]);
    expect(settings).toMatchObject({ adminScope: 'root', roleMappings: [{ role: 'boss', internalRole: 'proxy_admin' }] });
    expect(settings!.issuers[0]!.claims).toEqual({ userId: 'oid', teamIds: 'groups', roles: 'roles' });
    const own = readSettings({ ...common, issuers: [{ ...entry, admin_jwt_scope: '', role_mappings: [] , roles_jwt_field: undefined }] });
    expect(own.settings).not.toHaveProperty('adminScope');
    expect(own.settings!.roleMappings).toEqual([]);
  }); // prettier-ignore

  it('gives each of several issuers nothing but its own, and names what counts for none', () => {
    const [a, b] = [
      { issuer: 'https://a.b', audience: 'x', user_id_jwt_field: 'sub', roles_jwt_field: 'r', role_mappings: [BOSS], admin_jwt_scope: 'root' },
      { issuer: 'https://c.d', audience: 'y', user_id_jwt_field: 'uid', user_id_prefix: 'c/' },
    ];
    const beside = { user_email_jwt_field: 'email', roles_jwt_field: 'roles', role_mappings: [BOSS], admin_jwt_scope: 'litellm_proxy_admin' };
    const { settings, problems, ignored } = readSettings({ ...beside, issuers: [a, b] });
    expect(problems).toEqual([]);
    expect(ignored.toSorted()).toEqual(Object.keys(beside).map(at).toSorted());
    expect(settings!.roleMappings).toEqual([]);
    expect(settings).not.toHaveProperty('adminScope');
    expect(settings!.issuers).toEqual([
      { issuer: 'https://a.b', keyUrls: [], audiences: ['x'], claims: { userId: 'sub', roles: 'r' }, adminScope: 'root', roleMappings: [{ role: 'boss', internalRole: 'proxy_admin' }] },
      { issuer: 'https://c.d', keyUrls: [], audiences: ['y'], claims: { userId: 'uid' }, userIdPrefix: 'c/' },
    ]);
    // Settings beside `issuers` belong to the issuer that is configured there.
    const three = readSettings({ ...GOOD, ...beside, issuers: [b] });
    expect([three.problems, three.ignored]).toEqual([[], []]);
    expect(three.settings!.issuers).toMatchObject([
      { issuer: 'https://c.d', claims: { userId: 'uid' } },
      { issuer: GOOD.issuer, claims: { userEmail: 'email', roles: 'roles' }, adminScope: 'litellm_proxy_admin', roleMappings: [{ role: 'boss' }] },
    ]);
    expect(three.settings!.issuers[0]).not.toHaveProperty('roleMappings');
    // No token makes its caller an admin unless the configuration says so.
    expect(readSettings({ ...GOOD, issuers: [b] }).settings!.issuers.map(({ adminScope }) => adminScope)).toEqual([undefined, undefined]);
    expect(readSettings({ issuers: [a, { ...b, roles_jwt_field: 'r' }] }).problems).toEqual([expect.stringContaining(at('issuers[1].role_mappings'))]);
    expect(readSettings({ user_roles_jwt_field: 'r', user_allowed_roles: ['dev'], issuers: [a, b] }).problems).toEqual([expect.stringContaining(at('user_allowed_roles'))]);
  }); // prettier-ignore

  it('reads several issuers, each with its own claims', () => {
    const { settings, problems } = readSettings({
      issuers: [
        { issuer: 'https://a.b', audience: ['x', 'y'] },
        { issuer: 'c', jwks_url: 'https://c.d/keys', disable_audience_validation: true, user_id_jwt_field: 'oid' },
      ],
    }); // prettier-ignore
    expect(problems).toEqual([]);
    expect(settings!.issuers).toEqual([
      { issuer: 'https://a.b', keyUrls: [], audiences: ['x', 'y'], claims: {} },
      { issuer: 'c', keyUrls: ['https://c.d/keys'], claims: { userId: 'oid' } },
    ]); // prettier-ignore
    expect(readSettings({ issuers: [{ issuer: 'https://a.b' }] }).problems).toEqual([
      expect.stringContaining(at('issuers[0].audience')),
    ]);
  });

  it.each<[object, string]>([
    [{ user_id_upsert: 'yes' }, 'user_id_upsert'],
    [{ admin_allowed_routes: 'all' }, 'admin_allowed_routes'],
    [{ admin_allowed_routes: ['management_routez'] }, 'admin_allowed_routes'],
    [{ team_allowed_routes: ['chat/completions'] }, 'team_allowed_routes'],
    [{ enforce_scope_based_access: true, scope_mappings: [{ scope: 's', routes: ['chat'] }] }, 'scope_mappings[0].routes'],
    [{ public_key_ttl: 'soon' }, 'public_key_ttl'],
    [{ leeway: 301 }, 'leeway'],
    [{ user_id_jwt_field: 7 }, 'user_id_jwt_field'],
    [{ team_id_jwt_field: 'roles[0]' }, 'team_id_jwt_field'],
    [{ team_id_jwt_field: 'roles.0' }, 'team_id_jwt_field'],
    [{ public_key_url: 'file:///etc/keys' }, 'public_key_url'],
    [{ public_key_url: 'https://user:secret@x.y/' }, 'public_key_url'],
    [{ issuer: 'not an address' }, 'issuer'],
    [{ disable_issuer_validation: true }, 'disable_issuer_validation'],
    [{ disable_audience_validation: true }, 'disable_audience_validation'],
    [{ user_roles_jwt_field: 'roles' }, 'user_allowed_roles'],
    [{ roles_jwt_field: 'roles' }, 'role_mappings'],
    [{ object_id_jwt_field: 'oid' }, 'object_id_jwt_field'],
    [{ roles_jwt_field: 'r', role_mappings: [{ role: 'x', internal_role: 'god' }] }, 'role_mappings[0].internal_role'],
    [{ scope_mappings: [{ scope: 'x' }] }, 'scope_mappings'],
    [{ enforce_scope_based_access: true }, 'enforce_scope_based_access'],
    [{ scope_mappings: [{ models: [] }], enforce_scope_based_access: true }, 'scope_mappings[0].scope'],
    [{ custom_validate: 'a.b' }, 'custom_validate'],
    [{ unregistered_jwt_client_behavior: 'reject' }, 'unregistered_jwt_client_behavior'],
  ])('%j stops the start naming %s', (auth, key) => {
    const { problems } = readSettings({ ...GOOD, ...auth });
    expect(problems.map((problem) => problem.split(':')[0])).toContain(at(key));
  }); // prettier-ignore

  it('reads the example of its page, every key of it', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../docs/jwt.md'), 'utf8');
    const [, yaml] = /```yaml\n(.*?)```/s.exec(page)!;
    const { general_settings: general } = parse(yaml!) as { general_settings: { litellm_jwtauth: object } };
    const { settings, problems, ignored } = readSettings(general.litellm_jwtauth);
    expect([problems, ignored, settings!.issuers[0]!.claims.teamIds]).toEqual([[], [], 'groups']);
  });

  it('names what has no effect', () => {
    const { problems, ignored } = readSettings({
      ...GOOD,
      oidc_userinfo_enabled: true,
      usr_id_jwt_field: 'sub',
    });
    expect([problems, ignored]).toEqual([[], [at('oidc_userinfo_enabled'), at('usr_id_jwt_field')]]);
  });

  it('role_permissions need enforce_rbac', () => {
    const more = { role_permissions: [{ role: 'team', models: ['m'] }] };
    expect(readSettings(GOOD, nothing, more).problems).toEqual([
      expect.stringContaining('general_settings.role_permissions'),
    ]);
    expect(readSettings({ ...GOOD, enforce_rbac: true }, nothing, more).settings!.rolePermissions).toEqual([
      { role: 'team', models: ['m'] },
    ]);
  });
});
