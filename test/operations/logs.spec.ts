import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MODULES } from '../harness/fresh-build.js';

const LOGS = join(MODULES, 'logs/logs.js');

it('what nobody expected, and what Node warns of, are entries of a JSON log too', () => {
  const script = `
    import { logAsJson } from '${LOGS}';
    logAsJson();
    process.emitWarning('careful');
    setImmediate(() => Promise.reject(new Error('lost')));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ level: 'warn', message: 'Warning: careful' });
  expect(JSON.parse(stderr)).toMatchObject({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    level: 'fatal',
    context: 'tollgate',
    error: expect.stringContaining('Error: lost\n    at '),
  });
});
