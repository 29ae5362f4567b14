import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { getMetadataArgsStorage } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { importsBetweenFolders, upwardImports } from '../../scripts/folder-graph.mjs';
import { AUDITED } from '../../src/audited.js';
import { policy } from '../../src/policy/policy.js';
import { handlers } from '../harness/handlers.js';

const src = resolve(import.meta.dirname, '../../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const textOf = (file: string) => readFileSync(join(src, file), 'utf8');

/** Returns the target of each import of `file`: a folder of `src`, or a package. */
const importsOf = (file: string) =>
  [...textOf(file).matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, target]) =>
    target!.startsWith('.') ? relative(src, resolve(src, dirname(file), target!)).split('/')[0]! : target!,
  );

const filesIn = (name: string) => files.filter((file) => file.startsWith(`${name}/`));
const product = (file: string) => !file.endsWith('.spec.ts');
const places = (pattern: RegExp) => files.filter(product).filter((file) => pattern.test(textOf(file)));

describe('imports', () => {
  it.each(filesIn('policy').filter(product))('%s knows only policy', (file) => {
    expect(importsOf(file).filter((target) => target !== 'policy')).toEqual([]);
  });

  it.each(filesIn('policy').filter(product))('%s has no clock, no promise, no process', (file) => {
    expect(textOf(file)).not.toMatch(/\bDate\.now\b|new Date\(\)|\basync\b|\bPromise\b|\bprocess\./);
  });

  it('run one way between folders: none imports a folder above it', () => {
    const imports = importsBetweenFolders(src);
    expect(imports.length).toBeGreaterThan(500);
    expect(upwardImports(imports)).toEqual([]);
  });

  it('are checked: an import from below is found, and so is a folder without a place', () => {
    const planted = [
      { file: 'policy/a.ts', target: 'access/b.ts', from: 'policy', to: 'access' },
      { file: 'new/a.ts', target: 'policy/b.ts', from: 'new', to: 'policy' },
    ];
    expect(upwardImports(planted)).toEqual(planted);
  });

  it('src/ never imports test/, nor does a spec beside the code', () => {
    const knowsTests = (file: string) => /(?:from|import)\s*\(?\s*'(?:\.\.\/)+test\//.test(textOf(file));
    expect(files.filter(knowsTests)).toEqual([]);
  });

  it('have no folder whose name fits everything', () => {
    const folders = new Set(files.map((file) => dirname(file).split('/').at(-1)!));
    for (const name of ['utils', 'common', 'helpers', 'shared', 'lib', 'misc'])
      expect(folders).not.toContain(name);
  });
});

describe('only one place', () => {
  it('only the configuration reads the environment', () => {
    expect(places(/process\.env/).filter((file) => !file.startsWith('config/'))).toEqual([]);
  });

  it('only access makes facts of rows', () => {
    const makers = places(/\b(?:PartyConfig|AccessFacts)\b/).filter((file) => !file.startsWith('policy/'));
    expect(makers).toContain('access/facts.loader.ts');
    expect(makers.filter((file) => !file.startsWith('access/'))).toEqual([]);
  });

  it('only one table turns denials into statuses', () => {
    expect(places(/Record<DenialKind/)).toEqual(['access/access-denied.exception.ts']);
  });

  it('only one exception decides who is told that a row is missing', () => {
    // The router, a model, and a member of the caller's own organization. Nobody is kept from seeing these.
    expect(places(/new NotFoundException\(/).toSorted()).toEqual([
      'completions/model-list.controller.ts',
      'http/route-methods.ts',
      'organizations/organization-members.service.ts',
    ]);
  });

  it('only the ledger and the functions it calls change a balance', () => {
    const writers = places(/(?:spentNanoUsd|heldNanoUsd)\s*=[^=>]|SET spent_nano_usd|INSERT INTO accounts/i);
    expect(
      writers.filter((file) => !file.startsWith('ledger/') && !file.endsWith('-shared-money.ts')),
    ).toEqual([]);
    expect(writers).not.toEqual([]);
  });
});

describe('nothing is written and then forgotten', () => {
  const namesIn = (pattern: RegExp) =>
    files.filter(product).flatMap((file) => [...textOf(file).matchAll(pattern)].map(([, name]) => name!));

  it('every background job and every controller belongs to a module', () => {
    const modules = files.filter((file) => file.endsWith('.module.ts'));
    const bodies = modules.map((file) => textOf(file).replaceAll(/^import[\s\S]*?;$/gm, '')).join('\n');
    const jobs = namesIn(/class (\w+) extends BatchJob\b/g);
    const controllers = namesIn(/class (\w+Controller)\b/g);
    expect([jobs.length > 2, controllers.length > 20]).toEqual([true, true]);
    const known = new Set(bodies.match(/\w+/g));
    expect([...jobs, ...controllers].filter((name) => !known.has(name))).toEqual([]);
  });

  it('every check is in the policy', () => {
    const checks = namesIn(/^export const (\w+): Check = /gm);
    expect(checks.length).toBeGreaterThan(10);
    expect(policy.map(({ check }) => check.name).toSorted()).toEqual(checks.toSorted());
  });
});

/** Returns every access to rows that bypasses `Database.read` and `Database.write`. */
function rowsReachedOutside(text: string): string[] {
  const isMember = /@InjectRepository\([^)]*\)\s*(?:private|protected|public|readonly)\b/.test(text);
  const names = [...text.matchAll(/@InjectRepository\([^)]*\)\s*(?:readonly |private )*(\w+):/g)].map(
    ([, name]) => name!,
  );
  const constructors = [...text.matchAll(/constructor\([\s\S]*?\n {2}\}/g)].map(([body]) => body);
  const usesOf = (name: string) => constructors.some((body) => new RegExp(`\\b${name}\\s*\\.`).test(body));
  return [
    ...(isMember ? ['keeps an injected repository; only `AggregateRepository` does'] : []),
    ...(names.length && !/extends \w*Repository</.test(text) ? ['injects a repository, and is none'] : []),
    ...names.filter(usesOf).map((name) => `uses the injected ${name} in a constructor`),
    ...[/\bwithRepository\(/, /\.getRepository\(/, /\bconnection\.manager\b/, /\bInjectEntityManager\b/]
      .filter((way) => way.test(text))
      .map(String),
    ...(/\bInjectDataSource\b|\bnew DataSource\(/.test(text) ? ['has the connection itself'] : []),
  ];
}

describe('rows', () => {
  /** Files with their own connection: `Database` itself, and what runs before or beside the application. */
  const CONNECTIONS = [
    'audit/audit-trail.ts',
    'cli/new-installation.ts',
    'cli/verify-ledger.ts',
    'database/aggregate-repository.ts',
    'database/database.module.ts',
    'database/database.ts',
    'database/run-migrations.ts',
  ];
  const reaching = files.filter((file) => product(file) && rowsReachedOutside(textOf(file)).length > 0);

  it('are reached through the manager of a read or a write', () => {
    expect(reaching.filter((file) => !file.startsWith('database/migrations/')).toSorted()).toEqual(
      CONNECTIONS,
    );
  });

  it.each([
    [
      'a service that keeps an injected repository',
      'class TeamsService {\n  constructor(@InjectRepository(Team) private readonly teams: Repository<Team>) {}\n  all() {\n    return this.teams.find();\n  }\n}',
    ],
    [
      'a repository that keeps the injected one',
      'class TeamRepository extends PartyRepository<Team> {\n  constructor(@InjectRepository(Team) readonly rows: Repository<Team>) {\n    super(rows);\n  }\n}',
    ],
    [
      'a repository that queries in its constructor',
      'class TeamRepository extends PartyRepository<Team> {\n  constructor(@InjectRepository(Team) rows: Repository<Team>) {\n    super(rows);\n    void rows.query("");\n  }\n}',
    ],
    ['a connection', 'constructor(@InjectDataSource() private readonly source: DataSource) {}'],
    ['an entity manager', 'constructor(@InjectEntityManager() private readonly manager: EntityManager) {}'],
    ['a repository made in place', 'const teams = tx.getRepository(Team);'],
    ['the manager behind a query builder', 'select.connection.manager.query("")'],
  ])('are not reached by %s', (_, planted) => {
    expect(rowsReachedOutside(planted)).not.toEqual([]);
  });

  /** Calls with which an entity manager reaches rows of an entity. Statements in SQL are `query`. */
  const OF_ENTITIES =
    /\b(?:tx|manager)\s*\.(?:find|exists|count|save|insert|update|upsert|delete|remove|soft|create)\w*(?:<[^>]*>)?\(/;

  it('of an entity are reached through its repository', () => {
    const reachingThem = places(OF_ENTITIES).filter((file) => !file.startsWith('database/'));
    expect(reachingThem.toSorted()).toEqual([
      // The subscriber reads the event's row, of any entity.
      'audit/audit-trail.ts',
      // The check whether a tier is in use reads every table of parties.
      'parties/repositories/budget.repository.ts',
      // Sums of the ledger in SQL, joined with chains.
      'reporting/activity.ts',
    ]);
    expect(OF_ENTITIES.test('await tx.findOneBy(Team, { teamId })')).toBe(true);
    expect(OF_ENTITIES.test('await manager.createQueryBuilder(Team, "t")')).toBe(true);
  });

  it('are told apart from a repository that hands its injected one on', () => {
    const fine =
      'class TeamRepository extends PartyRepository<Team> {\n  constructor(@InjectRepository(Team) rows: Repository<Team>) {\n    super(rows);\n  }\n}';
    expect(rowsReachedOutside(fine)).toEqual([]);
  });
});

describe('modules', () => {
  it('say what they import: only configuration, database and clock are everywhere', () => {
    expect(places(/@Global\(\)/).toSorted()).toEqual([
      'config/config.module.ts',
      'database/database.module.ts',
      'platform/platform.module.ts',
    ]);
  });

  it('import each other in one direction', () => {
    expect(places(/\bforwardRef\b/)).toEqual([]);
  });

  it.each([
    'keys',
    'users',
    'teams',
    'organizations',
    'end-users',
    'tags',
    'budgets',
    'access-groups',
    'models',
    'audit',
    'reporting',
    'access',
    'jwt',
    'parties',
    'litellm-import',
  ])('%s holds its repositories', (folder) => {
    const [module] = filesIn(folder).filter((file) => file.endsWith('.module.ts'));
    expect(textOf(module!)).toMatch(/TypeOrmModule\.forFeature\(\[\s*\w+/);
  });
});

describe('the audit log', () => {
  it('is not gone round: no statement of ours changes an audited table, nobody silences its subscriber', () => {
    const tables = [...AUDITED.keys()].map(
      (entity) => getMetadataArgsStorage().tables.find(({ target }) => target === entity)!.name!,
    );
    expect(tables.length).toBeGreaterThan(8);
    const statement = new RegExp(`(?:INSERT INTO|UPDATE|DELETE FROM) "?(?:${tables.join('|')})\\b`, 'i');
    expect(places(statement).filter((file) => !file.startsWith('database/migrations/'))).toEqual([]);
    expect(places(/callListeners\(false\)|listeners: false/)).toEqual([]);
    expect(places(/\.transaction\(|startTransaction\(/)).toEqual(['database/database.ts']);
  });

  it('follows nobody but administrators', () => {
    expect(places(/\bAsyncLocalStorage\b/)).toEqual(['platform/audit-context.ts']);
    expect(places(/\brunAsActor\(/).filter((file) => file !== 'platform/audit-context.ts')).toEqual([
      'http/audit-context.interceptor.ts',
      'litellm-import/importer.ts',
    ]);
  });
});

describe('the handlers of routes', () => {
  it('return types of a DTO file, from which the schema is made: none is an object of anything', () => {
    expect(handlers().filter(({ untyped }) => untyped.length)).toEqual([]);
  });

  it('name their response once', () => {
    // Handlers that write to the socket return nothing that a schema could describe.
    const twice = handlers().filter(({ isStatedTwice, writesItself }) => isStatedTwice && !writesItself);
    expect(twice.map(({ name }) => name)).toEqual([]);
  });
});

describe('the rules of the seed', () => {
  const checks = filesIn('policy/checks');

  it.each(checks.filter(product))('%s has its table of cases beside it', (file) => {
    const table = file.replace('.ts', '.spec.ts');
    expect(checks).toContain(table);
    expect(textOf(table)).toContain(`./${basename(file, '.ts')}.js`);
  });
});
