import { DataSource, type EntityMetadata } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runAsActor } from '../../src/platform/audit-context.js';
import { authoredBy } from '../../src/database/authored-row.js';
import { recordBulkChange } from '../../src/database/audited-changes.js';
import { VirtualKey } from '../../src/parties/entities/virtual-key.entity.js';
import { OrganizationMember } from '../../src/parties/entities/organization-member.entity.js';
import { nanoUsd } from '../../src/policy/money.js';
import { admin, AdminServices } from '../harness/admin-services.js';
import { Member } from '../../src/parties/entities/team-member.entity.js';
import { Team } from '../../src/parties/entities/team.entity.js';
import { AuditEntry } from '../../src/audit/audit-entry.entity.js';
import { AuditTrail } from '../../src/audit/audit-trail.js';
import { AUDITED, NOT_AUDITED } from '../../src/audited.js';

const ME = admin('me');
const TABLES = { audited: AUDITED, notAudited: NOT_AUDITED };

let services: AdminServices;
beforeEach(async () => {
  services = await AdminServices.onSqlite();
  new AuditTrail(services.dataSource, () => services.now, TABLES);
});
afterEach(() => services.close());

/** Runs work as the request of an admin. */
async function asMe<T>(work: () => Promise<T>): Promise<T> {
  const { started, end } = runAsActor({ id: 'me', keyHash: 'my-key', requestId: 'r1' }, work);
  return started.finally(end);
}

/** Returns and removes the audit entries. */
async function takeEntries(): Promise<object[]> {
  const entries = await services.database.read((manager) => manager.find(AuditEntry, { order: { id: 'ASC' } }));
  await services.database.write((tx) => tx.clear(AuditEntry));
  return entries.map(({ action, objectId, changedBy, requestId }) => ({ action, objectId, changedBy, requestId }));
} // prettier-ignore

const theTeam = () => services.row(Team, { teamId: 't' });

describe('the audit trail', () => {
  it('has what was made and changed on behalf of somebody', async () => {
    await asMe(() => services.teams.create({ team_id: 't' }, ME));
    await asMe(() => services.teams.setBlocked('t', true, ME));
    const who = { objectId: 't', changedBy: 'me', requestId: 'r1' };
    expect(await takeEntries()).toEqual([
      { action: 'created', ...who },
      { action: 'blocked', ...who },
    ]);
  });

  it('has what nobody’s request changed, by whoever the row says it was; not what it made', async () => {
    await services.teams.create({ team_id: 't' }, ME);
    expect(await takeEntries()).toEqual([]);
    await services.teams.update({ team_id: 't', max_budget: 2 }, admin('rotation'));
    expect(await takeEntries()).toEqual([
      { action: 'updated', objectId: 't', changedBy: 'rotation', requestId: null },
    ]);
  });

  it('has one entry for a row that one transaction wrote twice, and none for one it took back', async () => {
    await services.teams.create({ team_id: 't', max_budget: 1 }, ME);
    await asMe(() =>
      services.database.write(async (tx) => {
        const team = await tx.findOneByOrFail(Team, { teamId: 't' });
        await tx.save(Team, Object.assign(team, { maxBudgetNanoUsd: nanoUsd(2_000_000_000n) }));
        await tx.save(Team, Object.assign(team, { maxBudgetNanoUsd: nanoUsd(3_000_000_000n) }));
      }),
    );
    const [entry, ...more] = await services.database.read((manager) => manager.find(AuditEntry));
    expect(more).toEqual([]);
    expect([entry!.beforeValue, entry!.updatedValues]).toEqual([{ max_budget: 1 }, { max_budget: 3 }]);
    await takeEntries();

    await asMe(() =>
      services.database.write(async (tx) => {
        const member = await tx.save(OrganizationMember, memberOf('o', 'internal_user'));
        await tx.remove(OrganizationMember, member);
      }),
    );
    expect(await takeEntries()).toEqual([]);
  });

  it('sees whether an upsert met a row', async () => {
    const put = (role: OrganizationMember['role']) =>
      asMe(() =>
        services.database.write((tx) => tx.upsert(OrganizationMember, memberOf('o', role), ['organizationId', 'userId'])),
      ); // prettier-ignore
    await put('internal_user');
    await put('org_admin');
    expect(await takeEntries()).toMatchObject([
      { action: 'created', objectId: 'o/u' },
      { action: 'updated', objectId: 'o/u' },
    ]);
  });

  it.each(['update', 'delete'] as const)('lets no %s be committed that nobody told of', async (kind) => {
    await services.teams.create({ team_id: 't' }, ME);
    const silent = services.database.write((tx) =>
      kind === 'update' ? tx.update(Team, { teamId: 't' }, { blocked: true }) : tx.delete(Team, { teamId: 't' }),
    ); // prettier-ignore
    await expect(silent).rejects.toThrow(/recordBulkChange.*Team/);
    expect(await theTeam()).toMatchObject({ blocked: false });
    // The connection still works.
    await services.teams.setBlocked('t', true, ME);
    expect(await takeEntries()).toMatchObject([{ action: 'blocked' }]);
  });

  it('is told of a statement, row by row', async () => {
    const members_with_roles = [1, 2].map((n) => ({ role: 'user' as const, user_id: `u${n}` }));
    await services.teams.create({ team_id: 't', members_with_roles }, ME);
    await asMe(() => services.teams.delete(['t'], ME));
    expect(await takeEntries()).toMatchObject([
      { action: 'deleted', objectId: 't/u1' },
      { action: 'deleted', objectId: 't/u2' },
      { action: 'deleted', objectId: 't' },
    ]);
    expect((await services.row(Member, { userId: 'u1' })).deletedAt).toEqual(services.now);
  });

  it('calls a key that got another secret rotated, by the name it had', async () => {
    await services.keys.generate({ key: 'sk-rotated-key-1' }, ME);
    const { secretHash } = await services.row(VirtualKey, { keyName: 'sk-...ey-1' });
    await services.database.write(async (tx) => {
      const key = await tx.findOneByOrFail(VirtualKey, { secretHash });
      await tx.save(VirtualKey, Object.assign(key, { secretHash: 'f'.repeat(64) }));
    });
    expect(await takeEntries()).toMatchObject([{ action: 'rotated', objectId: secretHash }]);
  });

  it('is told that spending was set anew', async () => {
    await services.teams.create({ team_id: 't' }, ME);
    await asMe(() =>
      services.database.write(async (tx) =>
        recordBulkChange(tx, Team, [
          {
            before: await tx.findOneByOrFail(Team, { teamId: 't' }),
            spend: { before: nanoUsd(1_500_000_000n), after: nanoUsd(0n) },
          },
        ]),
      ),
    );
    const [entry] = await services.database.read((manager) => manager.find(AuditEntry));
    expect(entry).toMatchObject({
      action: 'updated',
      objectId: 't',
      beforeValue: { spend: 1.5 },
      updatedValues: { spend: 0 },
    });
  });

  it('does not start beside an entity nobody thought of', () => {
    const metadataOf = (target: unknown, name: string) => ({ target, name }) as EntityMetadata;
    const trail = (entityMetadatas: EntityMetadata[]) =>
      new AuditTrail(
        { subscribers: [], entityMetadatas } as unknown as DataSource,
        () => services.now,
        TABLES,
      );
    expect(() => trail([metadataOf(Team, 'Team'), metadataOf(class {}, 'Secret')]).onModuleInit()).toThrow(
      /: Secret$/,
    );
    expect(() => trail(services.dataSource.entityMetadatas as EntityMetadata[]).onModuleInit()).not.toThrow();
  });
});

const memberOf = (organizationId: string, role: OrganizationMember['role']) => ({
  organizationId,
  userId: 'u',
  role,
  ...authoredBy('me', services.now),
});
