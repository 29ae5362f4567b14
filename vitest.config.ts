import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { postgresIsThere } from './test/harness/postgres.js';
import { pythonClientsAreThere } from './test/harness/python-clients.js';
import { redisIsThere } from './test/harness/redis.js';
import { RetryReporter } from './test/harness/retry-reporter.js';

/** What users see must be the same with balances in memory and in the rows of PostgreSQL: these are run on both. */
const ON_BOTH = [
  'native-money',
  'admin-life',
  'alerts',
  'allowed-hours',
  'audit',
  'bounded-bodies',
  'bounded-money',
  'call-defaults',
  'call-origin',
  'called-names',
  'changes-during-a-call',
  'chaos',
  'clamp-and-wait',
  'client-address',
  'decision-log',
  'discounts-and-margins',
  'corrections',
  'evaluation',
  'call-outcomes',
  'fallbacks',
  'held-is-sent',
  'holds-over-time',
  'javascript-clients',
  'jwt',
  'lists',
  'party-views',
  'budget-hierarchy',
  'payloads',
  'python-clients',
  'rate-limits',
  'right-prices',
  'refusals',
  'reports',
  'restricting-settings',
  'retention',
  'revoked-writes',
  'scenarios',
  'tags',
  'spend-resets',
  'terraform',
  'terraform-inputs',
  'terraform-requests',
  'unique-names',
  'windows',
];

/** These take long: `npm test` leaves them to `npm run test:all` and CI. */
const SLOW = [
  'replicas/*',
  'access/explain-equals-verdict',
  'access/model-list',
  'access/redis-rate-limits',
  'access/route-parity',
  'api/key-rotation',
  'api/python-clients',
  'api/terraform',
  'money/alerts',
  'money/chaos',
  'money/exact-cap',
  'money/holds-over-time',
  'operations/behind-proxies',
  'operations/crash',
  'operations/import-litellm',
  'security/canary-secrets',
  'security/noisy-neighbour',
  'security/payloads',
  'security/privilege-escalation',
  'security/revoked-writes',
  'security/tenant-crawl',
  'security/untrusted-redis',
].map((name) => `test/${name}.spec.ts`);

// Nest's decorators, also in files tsconfig.json does not build.
const oxc = { decorator: { legacy: true, emitDecoratorMetadata: true } };
/** Limits for what hangs, generous: a machine that is busy with other things is no finding. */
const common = {
  globalSetup: 'test/harness/global-setup.ts',
  // Tests that run at the same time wait for the clock, for instance for the end of a span.
  maxConcurrency: 100,
  testTimeout: 300_000,
  hookTimeout: 300_000,
  expect: { poll: { timeout: 60_000 } },
  // The last safety net of CI: one hiccup of a machine must not fail thousands of tests. `RetryReporter` names such tests.
  retry: process.env.CI ? 1 : 0,
};

/** The way of `npm test`, see scripts/test.mjs. */
const isFast = process.env.TESTS === 'fast';

const sqlite = {
  oxc,
  test: {
    name: 'sqlite',
    include: ['src/**/*.spec.ts', 'test/**/*.spec.ts'],
    exclude: ['**/node_modules/**', ...(isFast ? SLOW : [])],
    ...common,
  },
};
const postgres = {
  oxc,
  test: {
    name: 'postgres',
    include: ON_BOTH.map((name) => `test/**/${name}.spec.ts`),
    env: { TESTS_ON: 'postgres' },
    ...common,
  },
};

const LEFT_OUT_BY_CHOICE = `Left out: ${SLOW.length} files or folders of tests that take long, and what is run on PostgreSQL and Redis a second time.
npm run test:all runs everything, as CI does.`;
const LEFT_OUT_FOR_WANT = `Left out: ${ON_BOTH.length} files of tests on PostgreSQL and Redis, and in the others what needs either: budgets of
several replicas, failures of both. To run them, set TEST_DATABASE_URL to a PostgreSQL whose user may create databases (a
database is made and dropped per test, nothing else is touched), and have redis-server in the PATH.`;
const LEFT_OUT_PYTHON =
  'Left out: tests with Python clients. npm run python-clients installs them; it needs python3 with venv.';

export default defineConfig(async () => {
  const isPossible = (await postgresIsThere()) && redisIsThere();
  if (isFast) console.warn(LEFT_OUT_BY_CHOICE);
  else if (!isPossible) console.warn(LEFT_OUT_FOR_WANT);
  if (!isFast && !pythonClientsAreThere()) console.warn(LEFT_OUT_PYTHON);
  // Tests wait for other processes most of the time: more workers than cores keep the cores busy.
  const maxWorkers = availableParallelism() + 1;
  return {
    test: {
      maxWorkers,
      reporters: ['default', new RetryReporter()],
      projects: isPossible && !isFast ? [sqlite, postgres] : [sqlite],
    },
  };
});
