import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { postgresIsThere } from './test/harness/postgres.js';
import { redisIsThere } from './test/harness/redis.js';

/** What users see must be the same with balances in memory and in the rows of PostgreSQL: these are run on both. */
const ON_BOTH = [
  'admin-life',
  'alerts',
  'audit',
  'bounded-bodies',
  'bounded-money',
  'called-names',
  'changes-during-a-call',
  'chaos',
  'clamp-and-wait',
  'decision-log',
  'corrections',
  'evaluation',
  'call-outcomes',
  'fallbacks',
  'held-is-sent',
  'holds-over-time',
  'jwt',
  'lists',
  'budget-hierarchy',
  'payloads',
  'rate-limits',
  'reports',
  'retention',
  'revoked-writes',
  'scenarios',
  'tags',
  'spend-resets',
  'terraform',
  'unique-names',
  'windows',
];

// Nest's decorators, also in files tsconfig.json does not build.
const oxc = { decorator: { legacy: true, emitDecoratorMetadata: true } };
/** Limits for what hangs, generous: a machine that is busy with other things is no finding. */
const common = {
  globalSetup: 'test/harness/global-setup.ts',
  testTimeout: 300_000,
  hookTimeout: 300_000,
  expect: { poll: { timeout: 60_000 } },
};

const embedded = {
  oxc,
  test: { name: 'embedded', include: ['src/**/*.spec.ts', 'test/**/*.spec.ts'], ...common },
};
const shared = {
  oxc,
  test: {
    name: 'shared',
    include: ON_BOTH.map((name) => `test/**/${name}.spec.ts`),
    env: { TESTS_ON: 'postgres' },
    ...common,
  },
};

export default defineConfig(async () => {
  const isPossible = (await postgresIsThere()) && redisIsThere();
  if (!isPossible)
    console.warn(
      `Left out: ${ON_BOTH.length} files of tests on PostgreSQL and Redis, and in the others what needs either: shared budgets,\n` +
        'several replicas, failures of both. Embedded mode is tested. To run them, set TEST_DATABASE_URL to a PostgreSQL whose\n' +
        'user may create databases (a database is made and dropped per test), and have redis-server in the PATH.',
    );
  // Tests wait for other processes most of the time: more workers than cores keep the cores busy.
  const maxWorkers = availableParallelism() + 1;
  return { test: { maxWorkers, projects: isPossible ? [embedded, shared] : [embedded] } };
});
