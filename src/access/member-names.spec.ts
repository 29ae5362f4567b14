import { describe, expect, it } from 'vitest';
import { MalformedBodyError } from '../body/json-scanner.js';
import { READ_MEMBERS } from '../call-types/read-members.js';
import { foldedName, refuseLookalikes } from './member-names.js';

const refusedParam = (...names: string[]) => {
  try {
    refuseLookalikes(names);
    return undefined;
  } catch (error) {
    if (!(error instanceof MalformedBodyError)) throw error;
    return error.param;
  }
};

describe('names that are compared loosely', () => {
  it.each([
    ['MODEL', 'model'],
    ['max_toKens', 'max_tokens'],
    ['ſtream', 'stream'],
    ['ＭＯＤＥＬ', 'model'],
    ['max_to\u212aens', 'max_tokens'],
    ['provideroptions', 'provideroptions'],
  ])('%s folds to %s', (name, folded) => expect(foldedName(name)).toBe(folded));

  it.each(READ_MEMBERS)('only %s itself stands for what is read', (name) => {
    expect(refusedParam(name, 'temperature')).toBeUndefined();
    const capital = name.toUpperCase();
    expect(refusedParam(capital)).toBe(capital);
    expect(refusedParam(name, capital)).toBe(capital);
    const wide = String.fromCharCode(name.charCodeAt(0) + 0xfee0) + name.slice(1);
    expect(refusedParam(wide)).toBe(wide);
  });

  it.each(['x'.repeat(129), 'X'.repeat(129), 'é'.repeat(65), `a${'\u0301\u0316'.repeat(80_000)}`])(
    'a name that is longer than any is refused before it is compared (case %#)',
    (name) => {
      expect(refusedParam('model', name)).toBe(name.slice(0, 64));
      expect(refusedParam(name.slice(0, 64), 'model')).toBeUndefined();
    },
  );

  it('two names of one body are no spellings of each other, whoever reads them', () => {
    expect(refusedParam('temperature', 'Temperature')).toBe('Temperature');
    expect(refusedParam('toolChoice', 'toolchoice', 'x')).toBe('toolchoice');
    expect(refusedParam('Temperature', 'toolChoice', 'X-y')).toBeUndefined();
  });
});
