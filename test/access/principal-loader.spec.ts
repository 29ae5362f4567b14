import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { authoredBy } from '../../src/database/authored-row.js';
import type { Database } from '../../src/database/database.js';
import { OrganizationMember } from '../../src/parties/entities/organization-member.entity.js';
import { MemberRepository } from '../../src/parties/repositories/member.repository.js';
import { OrganizationMemberRepository } from '../../src/parties/repositories/organization-member.repository.js';
import { TeamRepository } from '../../src/parties/repositories/team.repository.js';
import type { Principal } from '../../src/policy/principal.js';
import { admin, AdminServices } from '../harness/admin-services.js';
import { PrincipalLoader } from '../../src/access/principal.loader.js';

const ME = admin('test');
const alice: Principal = {
  id: 'alice',
  role: 'internal_user',
  userId: 'alice',
  keyHash: 'mine',
  teams: new Map(),
  organizations: new Map(),
};

let services: AdminServices;
beforeEach(async () => void (services = await AdminServices.onSqlite()));
afterEach(() => services.close());

const loaderOn = (database: Database) =>
  new PrincipalLoader(
    database,
    services.get(TeamRepository),
    services.get(MemberRepository),
    services.get(OrganizationMemberRepository),
  );
const load = (caller = alice, keyTeamId: string | null = null) =>
  loaderOn(services.database).load(caller, keyTeamId);
const team = (team_id: string, more: object = {}) =>
  services.teams.create({ team_id, members_with_roles: [{ role: 'user', user_id: 'alice' }], ...more }, ME);

describe('what is a caller’s own', () => {
  it('is its teams with what they permit, and every team of the organizations it administers', async () => {
    await services.organizations.create({ organization_id: 'o', organization_alias: 'o' }, ME);
    await team('plain');
    await team('open', { team_member_permissions: ['/key/generate'] });
    await team('emptied', { team_member_permissions: [] });
    await team('deleted');
    await services.teams.delete(['deleted'], ME);
    await team('ours', { organization_id: 'o', members_with_roles: [] });
    await services.database.write((tx) =>
      tx.insert(OrganizationMember, {
        organizationId: 'o',
        userId: 'alice',
        role: 'org_admin',
        ...authoredBy('test', services.now),
      }),
    );
    const { teams, organizations } = await load();
    expect(Object.fromEntries(teams)).toEqual({
      plain: { as: 'user', permissions: ['/key/info', '/key/health'] },
      emptied: { as: 'user', permissions: ['/key/info', '/key/health'] },
      open: { as: 'user', permissions: ['/key/generate'] },
      ours: { as: 'org_admin', permissions: [] },
    });
    expect(Object.fromEntries(organizations)).toEqual({ o: 'org_admin' });
  });

  it('is, for a key without a user, its team, which permits it nothing', async () => {
    const teamPrincipal = { ...alice, role: 'team', userId: null } as const;
    expect(Object.fromEntries((await load(teamPrincipal, 't')).teams)).toEqual({
      t: { as: 'user', permissions: [] },
    });
    expect((await load(teamPrincipal)).teams.size).toBe(0);
  });

  it('is not guessed when it cannot be read', async () => {
    const outage = new Error('connection lost');
    const database = { read: () => Promise.reject(outage) } as unknown as Database;
    await expect(loaderOn(database).load(alice, null)).rejects.toBe(outage);
  });
});
