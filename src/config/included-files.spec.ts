import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readWithIncluded } from './included-files.js';
import { Report } from './section.js';

/** Reads `main.yaml` of some files. */
function read(texts: Record<string, string>) {
  const report = new Report();
  const byPath = new Map(Object.entries(texts).map(([name, text]) => [resolve(name), text]));
  const reads: string[] = [];
  const files = {
    exists: (path: string) => byPath.has(resolve(path)),
    text: (path: string) => {
      reads.push(path);
      const text = byPath.get(resolve(path));
      if (text === undefined) throw new Error('no such file');
      return text;
    },
  };
  const settings = readWithIncluded('main.yaml', files, report);
  return { settings, problems: report.problems, warnings: report.warnings, reads: reads.length };
}

describe('include', () => {
  it('extends lists and replaces every other value, file after file, nested ones last', () => {
    const { settings, problems, warnings } = read({
      'main.yaml': 'include: [a.yaml, b.yaml]\nmodel_list: [1]\nname: main',
      'a.yaml': 'include: [c.yaml]\nmodel_list: [2]\nname: a',
      'b.yaml': 'model_list: [3]\nname: b\nother: b',
      'c.yaml': 'model_list: [4]',
    });
    expect(settings).toEqual({ model_list: [1, 2, 3, 4], name: 'b', other: 'b' });
    expect([problems, warnings]).toEqual([[], []]);
  });

  it('replaces a section as a whole, and names what counts no more', () => {
    const { settings, warnings } = read({
      'main.yaml': 'include: [a.yaml]\ngeneral_settings: {master_key: sk-x, enforce_user_param: true}',
      'a.yaml': 'general_settings: {master_key: sk-y}',
    });
    expect(settings).toEqual({ general_settings: { master_key: 'sk-y' } });
    expect(warnings).toEqual([
      'general_settings: a.yaml replaces it as a whole, so these count no more: enforce_user_param',
    ]);
  });

  it('finds a file beside the one that names it, else beside the first, with a warning', () => {
    const files = {
      'main.yaml': 'include: [sub/a.yaml]',
      'sub/a.yaml': 'include: [b.yaml]',
      'b.yaml': 'where: main',
    };
    expect(read({ ...files, 'sub/b.yaml': 'where: sub' }).settings).toEqual({ where: 'sub' });
    const { settings, warnings } = read(files);
    expect(settings).toEqual({ where: 'main' });
    expect(warnings).toEqual([expect.stringContaining('b.yaml is not beside')]);
  });

  it('reads no file twice, also in a circle', () => {
    const { settings, problems, reads } = read({
      'main.yaml': 'include: [a.yaml, a.yaml]\nmodel_list: [1]',
      'a.yaml': 'include: [main.yaml, a.yaml]\nmodel_list: [2]',
    });
    expect([settings, problems, reads]).toEqual([{ model_list: [1, 2] }, [], 2]);
  });

  it.each<[string, Record<string, string>, string]>([
    ['a text', { 'main.yaml': 'include: a.yaml' }, 'include: must be a list of paths of files'],
    ['a list of other things', { 'main.yaml': 'include: [1]' }, 'include: must be a list of paths of files'],
    ['a file that is not there', { 'main.yaml': 'include: [a.yaml]' }, 'include: a.yaml: no such file'],
    ['a file that is no mapping', { 'main.yaml': 'include: [a.yaml]', 'a.yaml': '[1]' }, 'a.yaml: the file must be a mapping'],
    ['a file with a prototype', { 'main.yaml': 'include: [a.yaml]', 'a.yaml': '__proto__: {a: 1}' }, 'a.yaml: __proto__: is not a name'],
    ['files without end', Object.fromEntries(Array.from({ length: 200 }, (_, i) => [i ? `${i}.yaml` : 'main.yaml', `include: [${i + 1}.yaml]`])), 'include: is limited to 100 files of 16 MB together'],
  ])('stops the start for %s', (_, files, problem) => expect(read(files).problems).toEqual([problem])); // prettier-ignore
});
