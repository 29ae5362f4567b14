import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';
import { MAIN } from '../harness/fresh-build.js';

let upstream: Upstream;
let gateway: Gateway;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-command-'));
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
  rmSync(folder, { recursive: true });
});

/** Runs the command as a user at a shell does. */
function tollgate(...words: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    cwd: folder,
    env: { PATH: process.env.PATH, TOLLGATE_MASTER_KEY: gateway.masterKey },
    encoding: 'utf8',
  });
  return { code: status, out: stdout, err: stderr };
}

describe('tollgate', () => {
  it('--help names every command and every environment variable', () => {
    const { code, out } = tollgate('--help');
    expect(code).toBe(0);
    for (const word of [
      'start',
      'check',
      'migrate',
      'verify-ledger',
      'explain',
      'import-litellm',
      'new-installation',
      '--config',
      'DATABASE_URL',
      'REDIS_URL',
    ])
      expect(out).toContain(word);
  });

  it('check says what a start would do, by its exit code, and writes nothing', () => {
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return name;
    };
    const good = 'model_list: [{model_name: m, litellm_params: {model: openai/gpt-4o, api_key: k}}]';
    expect(tollgate('check', file('good.yaml', good))).toMatchObject({
      code: 0,
      out: expect.stringContaining(
        'model_list[0] m: works; openai gpt-4o, at https://api.openai.com/v1',
      ) as string,
    });
    const some = file('some.yaml', `${good}\nlitellm_settings: {callbacks: [x]}`);
    expect(tollgate('--config', some, 'check').code).toBe(1);
    const { code, out } = tollgate('check', '--json', file('bad.yaml', 'general_settings: {fsync: often}'));
    expect([code, JSON.parse(out)]).toMatchObject([
      2,
      { file: 'bad.yaml', result: 'does_not_start', exit_code: 2 },
    ]);
    expect(tollgate('check').code).toBe(64);
    expect(tollgate('check', 'good.yaml', 'some.yaml').code).toBe(64);
    expect(tollgate('check', '--jsn').code).toBe(64);
    expect(tollgate('check', 'no.yaml')).toMatchObject({
      code: 66,
      out: expect.stringContaining('no.yaml: ENOENT') as string,
    });
    expect(readdirSync(folder).toSorted()).toEqual(['bad.yaml', 'good.yaml', 'some.yaml']);
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
  });

  it('refuses a word it does not know, and a configuration that is not there', () => {
    expect(tollgate('strat')).toMatchObject({
      code: 1,
      err: expect.stringContaining('too many arguments') as string,
    });
    const { code, err } = tollgate('--config', 'no.yaml', 'migrate');
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('no.yaml: ') as string });
    expect(tollgate('--config').err).toContain('argument missing');
  });

  it('migrate makes the database what a start would, once', () => {
    expect(tollgate('migrate').out).toContain('Applied Founding');
    expect(tollgate('migrate').out).toBe('The database is up to date.\n');
    expect(tollgate('verify-ledger')).toMatchObject({
      code: 0,
      out: '0 accounts, 0 that differ from the ledger.\n',
    });
  });

  it('explain says what every check says, and asks without a trace', async () => {
    const key = await gateway.createKey({ models: ['m-out'], max_budget: 0.1, rpm_limit: 3 });
    const allowed = tollgate('explain', key, 'm-out', '--url', gateway.url, '--body', '{"max_tokens": 10}');
    expect(allowed.code).toBe(0);
    expect(allowed.out).toMatch(/^modelIsAllowed +ok$/m);
    expect(allowed.out).toContain('$0 spent and $0 held of $0.1; needs $0.01');
    expect(allowed.out).toContain('0 of 3 requests');
    expect(allowed.out).toMatch(/\nThe call would pass\.\n$/);

    const small = await gateway.createKey({ max_budget: 0.3 });
    const cut = tollgate('explain', small, 'm-out', '--url', gateway.url, '--body', '{"max_tokens": 500}');
    expect(cut.out).toMatch(/\nThe call would pass, with an output limit of 300 instead of 500 tokens\.\n$/);

    const refused = tollgate('explain', key, 'm-deny', '--url', gateway.url);
    expect(refused.code).toBe(1);
    expect(refused.out).toMatch(/^modelIsAllowed +NO +Key=/m);
    expect(refused.out).toContain('The call would be refused with 403. Key=');
    expect(refused.out + allowed.out).not.toContain(key);
    expect(upstream.calls.length).toBe(0);
  });

  it('explain says what is wrong with the question', () => {
    expect(tollgate('explain', 'sk-x', 'm', '--url', 'http://127.0.0.1:1').err).toMatch(
      /No gateway answers at/,
    );
    const { err } = tollgate('explain', 'sk-x', 'm', '--url', gateway.url, '--body', '{');
    expect(err).toMatch(/--body is not JSON/);
  });
});
