import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import proofs from './proofs.json' with { type: 'json' };
import { differences, means } from './page.js';

/** Proves that each difference of `docs/differences.md` names the tests that show it, in `proofs.json`. */

const root = resolve(import.meta.dirname, '../..');
const names = Object.keys(proofs);

/** Returns what is wrong with a proof, `<path of a spec>: <title of a test>`: the file or the title is missing. */
function missing(proof: string): string | undefined {
  const [path = '', ...rest] = proof.split(': ');
  const title = rest.join(': ');
  if (!/^(?:test|src)\/.+\.spec\.ts$/.test(path) || !existsSync(join(root, path))) return `no spec: ${proof}`;
  const spec = readFileSync(join(root, path), 'utf8').replaceAll(`\\'`, `'`);
  return ["'", '"', '`'].some((quote) => spec.includes(`${quote}${title}`)) && title !== ''
    ? undefined
    : `no such test: ${proof}`;
}

describe('docs/differences.md', () => {
  it('has a test for each difference', () => {
    expect(differences.filter((difference) => !names.some((name) => means(name, difference)))).toEqual([]);
  });

  it('has each difference that has tests', () => {
    expect(names.filter((name) => !differences.some((difference) => means(name, difference)))).toEqual([]);
  });

  it('has tests that exist', () => {
    const wrong = Object.values(proofs as Record<string, string[]>).flatMap((tests) =>
      tests.length === 0
        ? ['a difference without a test']
        : tests.map(missing).filter((one) => one !== undefined),
    );
    expect(wrong).toEqual([]);
  });
});
