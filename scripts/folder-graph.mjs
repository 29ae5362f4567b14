#!/usr/bin/env node
// Prints the folders of `src`, lowest last, with what each imports, and exits with 1 if an import runs upwards.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Folders of `src`, highest first: a folder may import those below it, never those above. `main` is `main.ts`, `app` the other files at the root. */
export const ORDER = [
  'main',
  'cli',
  'app',
  'litellm-import',
  'completions',
  'access',
  'jwt',
  'alerts',
  'organizations',
  'users',
  'teams',
  'keys',
  'end-users',
  'tags',
  'reporting',
  'audit',
  'access-groups',
  'budgets',
  'health',
  'delegation',
  'translation',
  'models',
  'prices',
  'admin',
  'parties',
  'ledger',
  'rate-limits',
  'call-types',
  'tokenizer',
  'body',
  'http',
  'clouds',
  'cache',
  'installation',
  'metrics',
  'database',
  'redis',
  'tracing',
  'logs',
  'config',
  'calendar',
  'platform',
  'policy',
];

const folderOf = (file) =>
  file.includes('/') ? file.slice(0, file.indexOf('/')) : file === 'main.ts' ? 'main' : 'app';

/** Returns every import between two folders of `root`. Tests beside the code are left out. */
export function importsBetweenFolders(root) {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !/\.(?:spec|testing)\.ts$/.test(file),
  );
  return files.flatMap((file) =>
    [...readFileSync(resolve(root, file), 'utf8').matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g)]
      .map(([, specifier]) => relative(root, resolve(root, dirname(file), specifier)).replace(/\.js$/, '.ts'))
      .map((target) => ({ file, target, from: folderOf(file), to: folderOf(target) }))
      .filter(({ from, to }) => from !== to),
  );
}

/** Returns the imports that run against `ORDER`, or from or to a folder that has no place in it. */
export const upwardImports = (imports) =>
  imports.filter(({ from, to }) => {
    const [above, below] = [ORDER.indexOf(from), ORDER.indexOf(to)];
    return above < 0 || below < 0 || above > below;
  });

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const imports = importsBetweenFolders(resolve(import.meta.dirname, '../src'));
  for (const folder of ORDER) {
    const targets = new Set(imports.filter(({ from }) => from === folder).map(({ to }) => to));
    console.log(`${folder.padEnd(16)} ${ORDER.filter((name) => targets.has(name)).join(' ')}`);
  }
  const upward = upwardImports(imports);
  for (const { file, target } of upward) console.error(`upwards: ${file} imports ${target}`);
  process.exitCode = upward.length ? 1 : 0;
}
