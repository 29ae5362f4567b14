import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  administersKey,
  type Principal,
  mayChangeKey,
  mayInTeam,
  maySeeKey,
  maySeeOrganization,
  maySeeTeam,
  isAboveTeam,
  roleOf,
  type TeamRole,
} from './principal.js';
import type { Role } from './facts.js';

const caller = (more: Partial<Principal> = {}): Principal => ({
  id: 'alice',
  role: 'internal_user',
  userId: 'alice',
  keyHash: 'mine',
  teams: new Map(),
  organizations: new Map(),
  ...more,
});
const inTeam = (as: TeamRole['as'], ...permissions: string[]) => ({
  teams: new Map([['t', { as, permissions }]]),
});
const key = (userId: string | null, teamId: string | null = null, organizationId: string | null = null) => ({
  secretHash: 'other',
  userId,
  teamId,
  organizationId,
});

describe('a role', () => {
  it.each<[string | null, string | null, string | null | undefined, Role]>([
    ['u', null, 'proxy_admin', 'proxy_admin'],
    ['u', 't', 'proxy_admin_viewer', 'proxy_admin_viewer'],
    ['u', null, 'internal_user_viewer', 'internal_user_viewer'],
    ['u', null, null, 'internal_user'],
    ['u', null, 'Proxy_Admin', 'internal_user'],
    ['u', null, 'org_admin', 'internal_user'],
    ['u', null, undefined, 'internal_user'],
    [null, 't', undefined, 'team'],
    [null, null, undefined, 'customer'],
  ])('of a key of user %s, team %s, who is %s: %s', (userId, teamId, userRole, role) => {
    const user = userRole === undefined ? null : { userRole };
    expect(roleOf(user, { userId, teamId, organizationId: null })).toBe(role);
  });
});

describe('a key', () => {
  const update = '/key/update';
  it.each([
    ['its user’s own', caller(), key('alice'), 'sees, changes'],
    ['somebody else’s', caller(), key('bob'), 'nothing'],
    ['nobody’s', caller(), key(null), 'nothing'],
    ['nobody’s, for nobody', caller({ userId: null }), key(null), 'nothing'],
    ['the calling one, of nobody', caller({ userId: null, keyHash: 'other' }), key(null), 'sees'],
    ['a team’s, for a stranger', caller(), key(null, 't'), 'nothing'],
    ['a team’s, for a member', caller(inTeam('user')), key('bob', 't'), 'nothing'],
    ['a team’s, for a member who may look', caller(inTeam('user', '/key/info')), key('bob', 't'), 'sees'],
    ['a team’s, for its user', caller(inTeam('user', '/key/info')), key('alice', 't'), 'sees'],
    ['a team’s, for one who may change', caller(inTeam('user', '/key/info', update)), key('bob', 't'), 'sees, changes'],
    ['a team’s, for its admin', caller(inTeam('admin')), key('bob', 't'), 'sees, changes, stands above'],
    ['a team’s, for its organization', caller(inTeam('org_admin')), key('bob', 't'), 'sees, changes, stands above'],
    ['another team’s, for an admin', caller(inTeam('admin')), key('bob', 't2'), 'nothing'],
    ['an organization’s, for its admin', caller({ organizations: new Map([['o', 'org_admin']]) }), key(null, null, 'o'), 'sees, changes, stands above'],
    ['an organization’s, for its member', caller({ organizations: new Map([['o', 'internal_user']]) }), key(null, null, 'o'), 'nothing'],
    ['anyone’s, for a viewer', caller({ role: 'proxy_admin_viewer' }), key('bob', 't'), 'sees'],
    ['anyone’s, for a proxy admin', caller({ role: 'proxy_admin' }), key('bob', 't'), 'sees, changes, stands above'],
  ] as const)('%s', (_, who, what, expected) => {
    const may = [
      maySeeKey(who, what) && 'sees',
      mayChangeKey(who, what, update) && 'changes',
      administersKey(who, what) && 'stands above',
    ].filter(Boolean);
    expect(may.join(', ') || 'nothing').toBe(expected);
  }); // prettier-ignore

  it('is never changed by somebody who does not see it, and never by somebody with nothing in common', () => {
    const id = fc.constantFrom('a', 'b', null);
    const role = fc.record({
      as: fc.constantFrom('org_admin', 'admin', 'user'),
      permissions: fc.subarray(['/key/info', update]),
    }) as fc.Arbitrary<TeamRole>;
    fc.assert(
      fc.property(
        fc.record({ userId: id, teamId: id, organizationId: id }),
        id,
        fc.dictionary(fc.constantFrom('a', 'b'), role),
        fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('org_admin', 'internal_user')),
        (owners, userId, teams, organizations) => {
          const who = caller({
            userId,
            teams: new Map(Object.entries(teams)),
            organizations: new Map(Object.entries(organizations)) as Principal['organizations'],
          });
          const what = { secretHash: 'other', ...owners };
          const shares =
            (userId !== null && owners.userId === userId) ||
            (owners.teamId !== null && who.teams.has(owners.teamId)) ||
            (owners.organizationId !== null && who.organizations.has(owners.organizationId));
          if (!shares)
            expect([maySeeKey(who, what), mayChangeKey(who, what, update)]).toEqual([false, false]);
          if (administersKey(who, what)) expect(mayChangeKey(who, what, update)).toBe(true);
        },
      ),
    );
  });
});

describe('teams and organizations', () => {
  it.each([
    ['user', true, false, false],
    ['admin', true, true, false],
    ['org_admin', true, true, true],
  ] as const)('a team of which one is %s', (as, sees, administers, owns) => {
    const who = caller(inTeam(as));
    expect([maySeeTeam(who, 't'), mayInTeam(who, 't', 'x'), isAboveTeam(who, 't')]).toEqual([sees, administers, owns]);
    expect([maySeeTeam(who, 't2'), mayInTeam(who, 't2', 'x'), isAboveTeam(who, 't2')]).toEqual([false, false, false]);
  }); // prettier-ignore

  it('concern their members', () => {
    const member = caller({ organizations: new Map([['o', 'internal_user_viewer']]) });
    expect([maySeeOrganization(member, 'o'), maySeeOrganization(member, 'p')]).toEqual([true, false]);
  });
});
