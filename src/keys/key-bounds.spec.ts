import { describe, expect, it } from 'vitest';
import { requireWithinBounds, withDefaults } from './key-bounds.js';

const DEFAULTS = { max_budget: 2, models: ['m'], team_id: 't' };
const BOUNDS = { max_budget: 5, duration: '30d', rpm_limit: 10 };

describe('what a new key’s body leaves open', () => {
  it.each([
    [{}, { ...BOUNDS, ...DEFAULTS }],
    [{ max_budget: 0 }, { ...BOUNDS, ...DEFAULTS, max_budget: 0 }],
    [{ max_budget: null, models: [] }, { ...BOUNDS, ...DEFAULTS }],
    [{ models: ['n'], duration: '1d', blocked: false }, { ...BOUNDS, ...DEFAULTS, models: ['n'], duration: '1d', blocked: false }],
  ])('%j becomes %j', (sent, filled) => {
    expect(withDefaults(sent, DEFAULTS, BOUNDS)).toEqual(filled);
  }); // prettier-ignore
});

describe('the bounds of every key', () => {
  it.each([
    [{}, undefined],
    [{ max_budget: 5, duration: '720h', rpm_limit: 10 }, undefined],
    [{ tpm_limit: 1e9 }, undefined],
    [{ max_budget: 5.000000001 }, 'max_budget'],
    [{ max_budget: null }, 'max_budget'],
    [{ duration: '31d' }, 'duration'],
    [{ duration: '-1' }, 'duration'],
    [{ duration: '0s' }, undefined],
    [{ rpm_limit: 11 }, 'rpm_limit'],
  ])('%j: %s', (asked, param) => {
    const check = () => requireWithinBounds(asked, BOUNDS);
    if (param === undefined) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ response: expect.objectContaining({ param }) }));
  });
});
