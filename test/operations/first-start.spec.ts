import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gateway } from '../harness/gateway.js';

const dataFolder = mkdtempSync(join(tmpdir(), 'tollgate-first-'));
let gateway: Gateway;
beforeAll(async () => {
  gateway = await Gateway.start({ dataFolder, env: { TOLLGATE_MASTER_KEY: '' } });
});
afterAll(async () => {
  await gateway.close();
  rmSync(dataFolder, { recursive: true });
});

/** Returns the commands that the log suggests for a shell. */
const commands = () => gateway.logs.split('\n').filter((line) => line.startsWith('curl '));
const pasted = (command: string) =>
  JSON.parse(execFileSync('bash', ['-c', command], { encoding: 'utf8' })) as Record<string, unknown>;

describe.each(['the first', 'a later'])('what %s start prints', (which) => {
  beforeAll(async () => {
    if (which === 'the first') return;
    await gateway.terminate();
    gateway.logs = '';
    await gateway.restart();
  });

  it('works when it is pasted into a shell: an allowed call, a refused one, an explanation', () => {
    const [allowed, refused, explained] = commands().map(pasted);
    expect(allowed).toMatchObject({ object: 'chat.completion' });
    expect(refused).toMatchObject({ error: { type: 'budget_exceeded', details: { limit: 0 } } });
    expect(explained).toMatchObject({ decision: true });
  });

  it('shows the master key on the first start only', () => {
    const file = join(dataFolder, 'master-key');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(gateway.logs.includes(readFileSync(file, 'utf8').trim())).toBe(which === 'the first');
  });
});
