import type { Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource, type EntityTarget, type FindOptionsWhere } from 'typeorm';
import { postgresIsThere } from './postgres.js';
import { migratedPostgres, migratedSqlite } from './templates.js';
import { BudgetsModule } from '../../src/budgets/budgets.module.js';
import { BudgetsService } from '../../src/budgets/budgets.service.js';
import { CLOCK } from '../../src/platform/clock.js';
import { ConfigModule } from '../../src/config/config.module.js';
import { readConfig } from '../../src/config/read-config.js';
import { Database } from '../../src/database/database.js';
import { DatabaseModule } from '../../src/database/database.module.js';
import { EndUsersModule } from '../../src/end-users/end-users.module.js';
import { EndUsersService } from '../../src/end-users/end-users.service.js';
import { entities } from '../../src/entities.js';
import { AdminValidationPipe } from '../../src/admin/admin-validation.pipe.js';
import { KeyLists } from '../../src/keys/key-lists.js';
import { KeysModule } from '../../src/keys/keys.module.js';
import { KeysService } from '../../src/keys/keys.service.js';
import { OrganizationsModule } from '../../src/organizations/organizations.module.js';
import { OrganizationsService } from '../../src/organizations/organizations.service.js';
import { PlatformModule } from '../../src/platform/platform.module.js';
import type { Principal } from '../../src/policy/principal.js';
import { UserLists } from '../../src/users/user-lists.js';
import { UsersModule } from '../../src/users/users.module.js';
import { UsersService } from '../../src/users/users.service.js';
import { TeamLists } from '../../src/teams/team-lists.js';
import { TeamMembersService } from '../../src/teams/team-members.service.js';
import { TeamsModule } from '../../src/teams/teams.module.js';
import { TeamsService } from '../../src/teams/teams.service.js';

/** Admin services on a real, empty database, with a clock that tests advance. */
export class AdminServices {
  readonly dataSource: DataSource;
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
    private readonly application: TestingModule,
    private readonly clock: { now: Date },
    private readonly cleanUp: () => unknown,
  ) {
    this.dataSource = this.get(DataSource);
    this.database = this.get(Database);
    this.keys = this.get(KeysService);
    this.keyLists = this.get(KeyLists);
    this.teams = this.get(TeamsService);
    this.teamMembers = this.get(TeamMembersService);
    this.teamLists = this.get(TeamLists);
    this.users = this.get(UsersService);
    this.userLists = this.get(UserLists);
    this.organizations = this.get(OrganizationsService);
    this.endUsers = this.get(EndUsersService);
    this.budgets = this.get(BudgetsService);
  }

  /** Returns any other provider of these modules. */
  get<T>(type: Type<T>): T {
    return this.application.get(type, { strict: false });
  }

  static async onSqlite(): Promise<AdminServices> {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-services-'));
    await migratedSqlite(folder);
    return AdminServices.on({ TOLLGATE_DATA: folder }, () => rmSync(folder, { recursive: true }));
  }

  static async onPostgres(): Promise<AdminServices> {
    const { url, drop } = await migratedPostgres();
    return AdminServices.on({ DATABASE_URL: url }, drop);
  }

  private static async on(env: Record<string, string>, cleanUp: () => unknown): Promise<AdminServices> {
    const config = readConfig({ TOLLGATE_MASTER_KEY: 'sk-master-of-the-services', ...env });
    const clock = { now: new Date('2026-11-23T12:00:00.000Z') };
    const application = await Test.createTestingModule({
      imports: [
        ConfigModule.with(config),
        DatabaseModule.connect(entities),
        PlatformModule,
        KeysModule,
        UsersModule,
        TeamsModule,
        OrganizationsModule,
        EndUsersModule,
        BudgetsModule,
      ],
    })
      .overrideProvider(CLOCK)
      .useValue(() => clock.now)
      .compile();
    return new AdminServices(application, clock, cleanUp);
  }

  get now(): Date {
    return this.clock.now;
  }

  set now(now: Date) {
    this.clock.now = now;
  }

  async close(): Promise<void> {
    await this.application.close();
    await this.cleanUp();
  }

  /** Returns the stored row, even if it is deleted. */
  async row<T extends object>(entity: EntityTarget<T>, where: FindOptionsWhere<T>): Promise<T> {
    return this.database.read((manager) => manager.findOneByOrFail(entity, where));
  }
}

/** Databases on which admin services run. */
export const DATABASES = [
  { name: 'SQLite', open: () => AdminServices.onSqlite(), skip: false },
  { name: 'PostgreSQL', open: () => AdminServices.onPostgres(), skip: !(await postgresIsThere()) },
];

/** Returns a proxy admin of this name. */
export const admin = (id: string): Principal => ({
  id,
  role: 'proxy_admin',
  userId: id,
  teams: new Map(),
  organizations: new Map(),
});

const pipe = new AdminValidationPipe();

/** Returns a body as its route gets it: sent as JSON, read and validated. Rejects with the refusal for the client. */
export function body<T>(metatype: new () => T, sent: unknown): Promise<T> {
  return pipe.transform(Buffer.from(JSON.stringify(sent)), { type: 'body', metatype }) as Promise<T>;
}

/** Returns status and body of a promise's refusal. Fails if the promise resolves. */
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
