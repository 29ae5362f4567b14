import { describe, expect, it } from 'vitest';
import { applyNameChange, type NameChange, type NamingRow } from './model-names.js';

const rename: NameChange = { from: 'old', to: 'new', isFromServed: false };
const split: NameChange = { ...rename, isFromServed: true };
const removal: NameChange = { from: 'old', to: null, isFromServed: false };

describe('a row follows a name', () => {
  it.each<[string, NameChange, NamingRow, NamingRow]>([
    ['renamed, in its place', rename, { models: ['a', 'old', 'b'] }, { models: ['a', 'new', 'b'] }],
    ['renamed to one that is listed', rename, { models: ['old', 'new'] }, { models: ['new'] }],
    ['renamed, and still served', split, { models: ['old', 'b'] }, { models: ['old', 'new', 'b'] }],
    ['deleted', removal, { models: ['old', 'b'] }, { models: ['b'] }],
    ['deleted, as its last', removal, { models: ['old'], extra: null }, { models: ['no-default-models'], extra: null }],
    ['deleted, beside a group', removal, { models: ['old'], extra: { access_group_ids: ['g'] } }, { models: [], extra: { access_group_ids: ['g'] } }],
    ['deleted, in a group', removal, { models: ['old'] }, { models: [] }],
    ['in aliases', rename, { aliases: { old: 'b', x: 'old' }, modelAliases: { y: 'old' } }, { aliases: { old: 'b', x: 'new' }, modelAliases: { y: 'new' } }],
    ['in limits', rename, { modelMaxBudget: { old: 1, b: 2 }, extra: { model_rpm_limit: { old: 3 }, tags: ['old'] } }, { modelMaxBudget: { new: 1, b: 2 }, extra: { model_rpm_limit: { new: 3 }, tags: ['old'] } }],
    ['in limits, also if both are served', split, { modelMaxBudget: { old: 1 } }, { modelMaxBudget: { old: 1, new: 1 } }],
    ['in limits, where the new one has its own', rename, { modelMaxBudget: { old: 1, new: 2 } }, { modelMaxBudget: { new: 2 } }],
  ])('%s', (_, change, row, expected) => {
    expect(applyNameChange(row, change)).toBe(true);
    expect(row).toEqual(expected);
  }); // prettier-ignore

  it.each<[string, NameChange, NamingRow]>([
    ['another name', rename, { models: ['older', 'OLD'], aliases: { old: 'b' }, extra: { tags: ['old'] } }],
    ['a deleted one that is still served', { ...removal, isFromServed: true }, { models: ['old'] }],
    ['a limit of a deleted one', removal, { modelMaxBudget: { old: 1 } }],
    ['an alias of one that is still served', split, { aliases: { x: 'old' } }],
    ['no list', rename, { models: null, aliases: null, modelMaxBudget: null, extra: null }],
  ])('and not %s', (_, change, row) => {
    const before = structuredClone(row);
    expect(applyNameChange(row, change)).toBe(false);
    expect(row).toEqual(before);
  });
});
