import { describe, expect, it } from 'vitest';
import { newId, withoutNotFound } from './new-id.js';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('newId', () => {
  it('returns different UUIDs, none of which contains 404', () => {
    const ids = Array.from({ length: 20_000 }, newId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) {
      expect(id).toMatch(UUID_V7);
      expect(id).not.toContain('404');
    }
  });

  it.each([
    ['01a40404-0404-7404-8404-404040404040', '01a4c4c4-04c4-74c4-84c4-4c4c4c4c4c40'],
    ['01a22bbd-959d-76dd-a54a-182cc9cb9ff4', '01a22bbd-959d-76dd-a54a-182cc9cb9ff4'],
  ])('%s becomes %s', (uuid, id) => expect(withoutNotFound(uuid)).toBe(id));
});
