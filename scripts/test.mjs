// `npm test` runs the fast part of the tests: unit tests and the gateway on SQLite, without the slow files. With CI set, with
// --all (`npm run test:all`) or with arguments for vitest, it leaves out nothing itself.
import { spawnSync } from 'node:child_process';

const args = process.argv.slice(2);
const isFast = !process.env.CI && args.length === 0;
const { status } = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', ...args.filter((arg) => arg !== '--all')],
  { stdio: 'inherit', env: { ...process.env, ...(isFast && { TESTS: 'fast' }) } },
);
process.exit(status ?? 1);
