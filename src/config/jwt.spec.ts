import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readJwtSettings, type ToldOfTokens } from './jwt.js';
import { Report, Section } from './section.js';

const nothing: ToldOfTokens = { keysUrl: undefined, audience: undefined, issuer: undefined };

function read(auth: object | undefined, told: ToldOfTokens = nothing, more: object = {}) {
  const report = new Report();
  const general = new Section({ enable_jwt_auth: true, ...(auth && { litellm_jwtauth: auth }), ...more }, 'general_settings', report); // prettier-ignore
  return { settings: readJwtSettings(general, told), problems: report.problems, ignored: report.ignored };
}

const GOOD = { issuer: 'https://idp.example', audience: 'tollgate' };
const at = (key: string) => `general_settings.litellm_jwtauth.${key}`;
const told = (text: string, name: string) => ({ text, at: name });

describe('enable_jwt_auth', () => {
  it('off: nothing is read, and that is said', () => {
    const { settings, problems, ignored } = read({ user_id_upsert: 7 }, nothing, { enable_jwt_auth: false });
    expect([settings, problems, ignored]).toEqual([undefined, [], ['general_settings.litellm_jwtauth']]);
  });

  it('needs to know who issues tokens, and for whom', () => {
    expect(read(undefined).problems.map((problem) => problem.split(':')[0])).toEqual(
      ['issuer', 'public_key_url', 'audience'].map(at),
    );
    expect(read({ audience: 'a', public_key_url: 'https://x.y/jwks' }).problems).toEqual([
      expect.stringContaining(at('issuer')),
    ]);
    expect(read({ issuer: 'https://x.y' }).problems).toEqual([expect.stringContaining(at('audience'))]);
    expect(read({ ...GOOD, audience: [] }).problems).toEqual([expect.stringContaining(at('audience'))]);
  });

  it('takes either from the environment, or that anybody is meant', () => {
    const fromEnv = read(undefined, {
      keysUrl: told('https://a.b/jwks, https://c.d/.well-known/openid-configuration', 'JWT_PUBLIC_KEY_URL'),
      audience: told('one,two', 'JWT_AUDIENCE'),
      issuer: told('anything', 'JWT_ISSUER'),
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
    const anybody = read({
      public_key_url: 'https://a.b/jwks',
      disable_issuer_validation: true,
      disable_audience_validation: true,
    });
    expect(anybody.problems).toEqual([]);
    expect(anybody.settings!.issuers).toEqual([{ keyUrls: ['https://a.b/jwks'], claims: {} }]);
  });

  it('has LiteLLM’s defaults', () => {
    expect(read(GOOD).settings).toMatchObject({
      keysTtlMs: 600_000,
      adminScope: 'litellm_proxy_admin',
      adminAllowedRoutes: expect.arrayContaining(['management_routes', 'info_routes']) as unknown,
      userIdUpsert: false,
      teamIdUpsert: false,
      enforceRbac: false,
    });
    expect(read({ ...GOOD, admin_jwt_scope: '' }).settings).not.toHaveProperty('adminScope');
  });

  it('reads several issuers, each with its own claims over the common ones', () => {
    const { settings, problems } = read({
      user_id_jwt_field: 'sub',
      team_ids_jwt_field: 'groups',
      issuers: [
        { issuer: 'https://a.b', audience: ['x', 'y'] },
        { issuer: 'c', jwks_url: 'https://c.d/keys', disable_audience_validation: true, user_id_jwt_field: 'oid' },
      ],
    }); // prettier-ignore
    expect(problems).toEqual([]);
    expect(settings!.issuers).toEqual([
      { issuer: 'https://a.b', keyUrls: [], audiences: ['x', 'y'], claims: { userId: 'sub', teamIds: 'groups' } },
      { issuer: 'c', keyUrls: ['https://c.d/keys'], claims: { userId: 'oid', teamIds: 'groups' } },
    ]); // prettier-ignore
    expect(read({ issuers: [{ issuer: 'https://a.b' }] }).problems).toEqual([
      expect.stringContaining(at('issuers[0].audience')),
    ]);
  });

  it.each<[object, string]>([
    [{ user_id_upsert: 'yes' }, 'user_id_upsert'],
    [{ admin_allowed_routes: 'all' }, 'admin_allowed_routes'],
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
    const { problems } = read({ ...GOOD, ...auth });
    expect(problems.map((problem) => problem.split(':')[0])).toContain(at(key));
  }); // prettier-ignore

  it('reads the example of its page, every key of it', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../docs/jwt.md'), 'utf8');
    const [, yaml] = /```yaml\n(.*?)```/s.exec(page)!;
    const { general_settings: general } = parse(yaml!) as { general_settings: { litellm_jwtauth: object } };
    const { settings, problems, ignored } = read(general.litellm_jwtauth);
    expect([problems, ignored, settings!.issuers[0]!.claims.teamIds]).toEqual([[], [], 'groups']);
  });

  it('names what has no effect', () => {
    const { problems, ignored } = read({ ...GOOD, oidc_userinfo_enabled: true, usr_id_jwt_field: 'sub' });
    expect([problems, ignored]).toEqual([[], [at('oidc_userinfo_enabled'), at('usr_id_jwt_field')]]);
  });

  it('role_permissions need enforce_rbac', () => {
    const more = { role_permissions: [{ role: 'team', models: ['m'] }] };
    expect(read(GOOD, nothing, more).problems).toEqual([
      expect.stringContaining('general_settings.role_permissions'),
    ]);
    expect(read({ ...GOOD, enforce_rbac: true }, nothing, more).settings!.rolePermissions).toEqual([
      { role: 'team', models: ['m'] },
    ]);
  });
});
