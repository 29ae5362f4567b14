import { describe, expect, it } from 'vitest';
import { ChangeEpochs } from './change-epochs.js';

describe('changes', () => {
  it('are remembered by their names', () => {
    const changes = new ChangeEpochs();
    const { epoch } = changes;
    changes.mark(['key:a']);
    expect([changes.changedSince(epoch, ['key:a']), changes.changedSince(epoch, ['key:b'])]).toEqual([
      true,
      false,
    ]);
  });

  it('count for everything once their names are too long to be remembered together', () => {
    const changes = new ChangeEpochs();
    const before = changes.epoch;
    // Marking one name repeatedly adds nothing.
    for (let i = 0; i < 3_000; i++) changes.mark(['k'.repeat(8_000)]);
    expect(changes.changedSince(before, ['key:b'])).toBe(false);
    for (let i = 0; i < 3_000; i++) changes.mark([`${i}${'k'.repeat(8_000)}`]);
    expect(changes.changedSince(before, ['key:b'])).toBe(true);
    const { epoch } = changes;
    changes.mark(['key:a']);
    expect([changes.changedSince(epoch, ['key:a']), changes.changedSince(epoch, ['key:b'])]).toEqual([
      true,
      false,
    ]);
  });
});
