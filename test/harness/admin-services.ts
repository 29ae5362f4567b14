import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource, type DataSourceOptions, type EntityTarget, type FindOptionsWhere } from 'typeorm';
import { freshPostgres, postgresIsThere } from '../postgres.js';
import { BudgetsService } from '../../src/budgets/budgets.service.js';
import { BoundedMap } from '../../src/cache/bounded-map.js';
import { Changes } from '../../src/cache/changes.js';
import { FarRows } from '../../src/cache/far-rows.js';
import { Installation } from '../../src/installation/installation.js';
import { Redis } from '../../src/redis/redis.js';
import { Revisions } from '../../src/cache/revisions.js';
import { RowCache } from '../../src/cache/row-cache.js';
import { Database } from '../../src/database/database.js';
import { databaseOptions } from '../../src/database-options.js';
import { EndUsersService } from '../../src/end-users/end-users.service.js';
import { AdminBodyPipe } from '../../src/http/admin-body.pipe.js';
import { Grants } from '../../src/admin/grants.js';
import { KeyGrants } from '../../src/keys/key-grants.js';
import { KeyLists } from '../../src/keys/key-lists.js';
import { KeysService } from '../../src/keys/keys.service.js';
import { CatalogueSnapshot } from '../../src/models/catalogue.js';
import type { Authority } from '../../src/policy/authority.js';
import { Meters } from '../../src/metrics/meters.js';
import { OrganizationsService } from '../../src/orgs/organizations.service.js';
import { PartyTables } from '../../src/parties/party-table.js';
import { EmbeddedAccounts } from '../../src/spend/embedded/embedded-accounts.js';
import { PartySpend } from '../../src/spend/party-spend.js';
import { NewUsers } from '../../src/users/new-users.js';
import { UserLists } from '../../src/users/user-lists.js';
import { UsersService } from '../../src/users/users.service.js';
import { TeamGrants } from '../../src/teams/team-grants.js';
import { TeamLists } from '../../src/teams/team-lists.js';
import { TeamMembersService } from '../../src/teams/team-members.service.js';
import { TeamsService } from '../../src/teams/teams.service.js';

/** Admin services on a real, empty database, with a clock that tests move. */
export class AdminServices {
  now = new Date('2026-11-23T12:00:00.000Z');
  readonly database: Database;
  readonly keys: KeysService;
  readonly keyLists: KeyLists;
  readonly teams: TeamsService;
  readonly teamMembers: TeamMembersService;
  readonly teamLists: TeamLists;
  readonly users: UsersService;
  readonly userLists: UserLists;
  readonly organizations: OrganizationsService;
  readonly endUsers: EndUsersService;
  readonly budgets: BudgetsService;

  private constructor(
    readonly dataSource: DataSource,
    private readonly cleanUp: () => unknown,
  ) {
    const clock = () => this.now;
    const store = new BoundedMap<string, unknown>(1_000);
    const memory = new Keyv({ store, serialize: undefined, deserialize: undefined });
    this.database = new Database(dataSource);
    const cache = new RowCache(
      createCache({ stores: [memory] }),
      new Changes(),
      new Revisions(this.database),
      new FarRows(new Redis({}), new Installation('services'), { saltKey: 'salt' }, clock),
      new Meters(),
    );
    const accounts = new EmbeddedAccounts(this.database, clock);
    const spend = new PartySpend(accounts, this.database, clock, { litellm: { timezone: 'UTC' } });
    const tables = new PartyTables(this.database, cache, clock, spend);
    const grants = new Grants({ current: () => new CatalogueSnapshot([], {}) });
    const keyGrants = new KeyGrants(grants, { general: { userModelsOnTeamKeys: true } });
    const newUsers = new NewUsers({ litellm: { newUsers: {} } });
    this.keys = new KeysService(this.database, newUsers, keyGrants, tables, {
      masterKey: 'sk-master-of-the-services',
      litellm: { newKeys: {}, keyBounds: {} },
    });
    this.keyLists = new KeyLists(this.database);
    const teamGrants = new TeamGrants(grants);
    this.teamMembers = new TeamMembersService(newUsers, teamGrants, tables);
    this.teamLists = new TeamLists(this.database, newUsers, clock);
    this.teams = new TeamsService(this.database, this.teamMembers, teamGrants, tables);
    this.users = new UsersService(this.database, this.keys, this.teamMembers, newUsers, grants, tables);
    this.userLists = new UserLists(this.database);
    this.organizations = new OrganizationsService(this.database, this.teams, tables);
    this.endUsers = new EndUsersService(this.database, tables);
    this.budgets = new BudgetsService(this.database, cache, clock, { litellm: {} });
  }

  static async onSqlite(): Promise<AdminServices> {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-services-'));
    return AdminServices.on(databaseOptions(undefined, folder), () => rmSync(folder, { recursive: true }));
  }

  static async onPostgres(): Promise<AdminServices> {
    const { url, drop } = await freshPostgres();
    return AdminServices.on(databaseOptions(url, ''), drop);
  }

  static async on(options: DataSourceOptions, cleanUp: () => unknown): Promise<AdminServices> {
    const dataSource = await new DataSource(options).initialize();
    await dataSource.runMigrations();
    return new AdminServices(dataSource, cleanUp);
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
    await this.cleanUp();
  }

  /** The stored row, deleted or not. */
  async row<T extends object>(entity: EntityTarget<T>, where: FindOptionsWhere<T>): Promise<T> {
    return this.database.read((manager) => manager.findOneByOrFail(entity, where));
  }
}

/** Databases that admin services run on. */
export const DATABASES = [
  { name: 'SQLite', open: () => AdminServices.onSqlite(), skip: false },
  { name: 'PostgreSQL', open: () => AdminServices.onPostgres(), skip: !(await postgresIsThere()) },
];

/** A proxy admin of this name. */
export const admin = (id: string): Authority => ({
  id,
  role: 'proxy_admin',
  userId: id,
  teams: new Map(),
  organizations: new Map(),
});

const pipe = new AdminBodyPipe();

/** A body as its route gets it: sent as JSON, read and validated. Rejects with what the client would be told. */
export function body<T>(metatype: new () => T, sent: unknown): Promise<T> {
  return pipe.transform(Buffer.from(JSON.stringify(sent)), { type: 'body', metatype }) as Promise<T>;
}

/** What a promise is refused with: status and body; fails when it is not refused. */
export async function refusal(
  promise: Promise<unknown>,
): Promise<Record<string, unknown> & { status: number }> {
  const error: unknown = await promise.then(
    () => new Error('It was not refused.'),
    (refused: unknown) => refused,
  );
  const { getStatus, getResponse } = error as { getStatus?(): number; getResponse?(): object };
  if (!getStatus || !getResponse) throw error;
  return { ...getResponse.call(error), status: getStatus.call(error) };
}
