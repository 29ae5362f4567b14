import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Packages outside the bundle, with their dependencies. */
const OUTSIDE = ['@libsql', '@neon-rs', 'detect-libc', 'libsql', 'swagger-ui-dist'];

it('the gateway loads no package of its bundle a second time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-bundle-'));
  const imported = join(folder, 'imported');
  const required = join(folder, 'required');
  const hooks = `
    import { appendFileSync } from 'node:fs';
    export async function load(url, context, next) {
      appendFileSync(${JSON.stringify(imported)}, url + '\\n');
      return next(url, context);
    }`;
  const watch = `
    import { writeFileSync } from 'node:fs';
    import { createRequire, register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));
    const { cache } = createRequire(import.meta.url);
    process.on('exit', () => writeFileSync(${JSON.stringify(required)}, Object.keys(cache).join('\\n')));`;
  writeFileSync(join(folder, 'watch.mjs'), watch);
  const upstream = await Upstream.start();
  const gateway = await Gateway.start({
    upstream,
    env: { NODE_OPTIONS: `--import ${join(folder, 'watch.mjs')}` },
  });
  try {
    const key = await gateway.createKey();
    expect((await gateway.chat(key, { model: 'm-free' })).status).toBe(200);
    for (const path of ['/health/readiness', '/docs', '/openapi.json', '/metrics'])
      expect((await gateway.admin('GET', path)).status, path).toBe(200);
    expect(await gateway.terminate()).toBe(0);
    const loaded = readFileSync(imported, 'utf8') + readFileSync(required, 'utf8');
    const packages = [...loaded.matchAll(/node_modules\/(@?[^/\n]+)/g)].map(([, name]) => name!);
    expect([...new Set(packages)].toSorted()).toEqual(OUTSIDE);
    expect(loaded).toContain('dist/bundle/');
  } finally {
    await gateway.close();
    await upstream.close();
    rmSync(folder, { recursive: true });
  }
});
