import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AGENTS } from '../../scripts/coding-agents/agents.mjs';
import { pythonPackages } from '../harness/python-clients.js';

/** Proves that the pages for developers name only files, folders, scripts and identifiers that exist. */

const root = resolve(import.meta.dirname, '../..');
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');
const below = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`);

const paths = ['src', 'test', 'scripts', 'docs', 'bench', 'deploy'].flatMap(below);
const code = [...paths, 'vitest.config.ts']
  .filter(
    (path) =>
      /^(?:(?:src|test|scripts)\/.*\.(?:ts|mjs|sql)|vitest\.config\.ts)$/.test(path) &&
      path !== 'test/structure/docs.spec.ts',
  )
  .map(textOf)
  .join('\n');
const identifiers = new Set(code.replaceAll(/\/\*[\s\S]*?\*\/|^ *\/\/.*/gm, '').match(/\b[A-Za-z_]\w+/g));
const scripts = Object.keys((JSON.parse(textOf('package.json')) as { scripts: object }).scripts);

/** `docs/differences.md` and the pages for operators name things outside this repository. */
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/architecture.md',
  'docs/design.md',
  ...paths.filter((path) => /^docs\/decisions\/.*\.md$|^(?:src|test)\/.*README\.md$/.test(path)),
]; // prettier-ignore

/** Tells whether a path of a page exists: from the root, from `src/` or `test/`, from the page, or as the end of a path. */
const exists = (page: string, path: string) =>
  [path, `src/${path}`, `test/${path}`, join(dirname(page), path)].some((one) =>
    existsSync(join(root, one)),
  ) || paths.some((one) => one.endsWith(`/${path.replace(/\/$/, '')}`));

/** Returns what a page names that does not exist. */
function missingIn(page: string, text: string): string[] {
  const blocks = /^```[\s\S]*?^```/gm;
  const walk = page === 'docs/architecture.md' ? (text.match(blocks) ?? []) : [];
  const inWalk = walk.flatMap((block) => [...block.matchAll(/((?:[\w-]+\/)*[\w.-]+\.ts)\b/g)]);
  const quoted = [...text.replaceAll(blocks, '').matchAll(/`([^`\n]+)`/g)];
  return [...inWalk, ...quoted]
    .map(([, name]) => name!)
    .filter((name) => {
      if (/^[\w.-]+(?:\/[\w.-]+)*\.(?:ts|mjs|sql|md)$/.test(name)) return !name.startsWith('.') && !exists(page, name);
      if (/^[\w-]+(?:\/[\w-]+)*\/$/.test(name)) return !exists(page, name);
      const script = /^npm run (?:--silent )?([\w:-]+)/.exec(name);
      if (script) return !scripts.includes(script[1]!);
      const decorator = /^@(\w+)/.exec(name);
      if (decorator) return !new RegExp(`@${decorator[1]}\\b`).test(code);
      const identifier = /^([A-Z]+[a-z]+[A-Z]\w*|[A-Z]+_[A-Z_]+|[a-z]+[A-Z]\w*|[A-Z]\w+(?=\.\w))(?:[.(:]|$)/.exec(name);
      return identifier !== null && !identifiers.has(identifier[1]!);
    });
} // prettier-ignore

describe('the pages for developers', () => {
  it.each(PAGES)('%s names only what exists', (page) => {
    expect(missingIn(page, textOf(page))).toEqual([]);
  });

  it('name every setting that the configuration file may have', () => {
    const readers = paths.filter((path) => /^src\/config\/.*(?<!\.spec)\.ts$/.test(path)).map(textOf);
    const settings = readers.flatMap((text) =>
      [...text.matchAll(/\b(?:\w+\.\w+|usd|duration)\((?:\w+, )?'([a-z]+_[a-z_]+)'/g)].map(
        ([, name]) => name!,
      ),
    );
    const pages = paths
      .filter((path) => /^docs\/[\w-]+\.md$/.test(path))
      .map(textOf)
      .join('\n');
    expect(new Set(settings).size).toBeGreaterThan(80);
    expect(settings.filter((name) => !new RegExp(`\\b${name}\\b`).test(pages))).toEqual([]);
  });

  it('name the tested clients with the versions that are installed', () => {
    const rows = textOf('docs/moving-from-litellm.md').matchAll(
      /^\| `([^`]+)`.*? +\| (Python|JavaScript) +\| ([\d.]+) /gm,
    );
    const { dependencies, devDependencies } = JSON.parse(textOf('package.json')) as Record<string, object>;
    const installed: Record<string, string[]> = {
      JavaScript: Object.entries({ ...dependencies, ...devDependencies }).map(
        ([name, version]) => `${name}==${String(version)}`,
      ),
      Python: pythonPackages(),
    };
    const versions = [...rows].map(([, name, language, version]) => [name, language!, version] as const);
    expect(versions.length).toBeGreaterThan(3);
    for (const [name, language, version] of versions)
      expect(installed[language]).toContain(`${name}==${version}`);
  });

  it.each(Object.entries(AGENTS))(
    'set up %s as the walk with coding agents does',
    (agent, { program, model, keyFields, command }) => {
      const [, recipe = ''] = textOf('docs/coding-agents.md').split(`\n## ${agent}\n`);
      const [section] = recipe.split('\n## ');
      const home = mkdtempSync(join(tmpdir(), 'tollgate-recipe-'));
      const {
        before = [],
        args,
        env,
      } = command({ url: 'http://localhost:4000', key: 'sk-…', model, task: 'T', home });
      const files = readdirSync(home, { recursive: true, encoding: 'utf8', withFileTypes: true }).filter(
        (file) => file.isFile(),
      );
      const settings = files.flatMap(
        (file) => readFileSync(join(file.parentPath, file.name), 'utf8').match(/[\w-]+"?(?= ?[:=])/g) ?? [],
      );
      rmSync(home, { recursive: true });
      const names = [
        program,
        ...[...before, ...args].filter((one) => one.startsWith('-')),
        ...Object.keys(env),
        ...Object.keys(keyFields ?? {}),
      ];
      expect([...names, ...settings].filter((name) => !section!.includes(name))).toEqual([]);
    },
  );

  it('are checked', () => {
    const text =
      '`policy/no-file.ts` `nofolder/` `npm run nothing` `NoSuchClass` `@NoSuchMark()` `noSuchFunction()` `NO_SUCH_TABLE` `policy/decide.ts` `keys/`';
    expect(missingIn('docs/architecture.md', text)).toEqual(text.match(/[^` ]+(?: run nothing)?(?=`)/g)!.slice(0, 7));
  }); // prettier-ignore
});
