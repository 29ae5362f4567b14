import { describe, expect, it } from 'vitest';
import { presentedCredential } from './credential.js';

const presented = (...raw: [string, string][]) => {
  const headers: Record<string, string> = {};
  for (const [name, value] of raw) headers[name.toLowerCase()] ??= value;
  return presentedCredential(headers, raw.flat());
};
const secret = (text: string) => ({ kind: 'presented', secret: text });

describe('the credential of a request', () => {
  it.each([
    ['Bearer sk-1', 'sk-1'],
    ['bearer sk-1', 'sk-1'],
    ['BEARER  sk-1', 'sk-1'],
    [' Bearer\tsk-1 ', 'sk-1'],
  ])('authorization: %j', (value, key) => expect(presented(['Authorization', value])).toEqual(secret(key)));

  it.each(['sk-1', 'Basic c2s=', 'Bearer', 'Bearer ', 'Bearer sk 1', 'Bearer sk-\u0000', 'Bearer sk-ü', `Bearer ${'x'.repeat(16_385)}`, ''])(
    'authorization: %j is malformed, never skipped',
    (value) => {
      expect(presented(['authorization', value], ['x-api-key', 'sk-good'])).toMatchObject({ kind: 'malformed' });
    },
  ); // prettier-ignore

  it('is the first header that is there', () => {
    const inOrder = ['x-litellm-api-key', 'Authorization', 'API-Key', 'x-api-key', 'x-goog-api-key', 'Ocp-Apim-Subscription-Key']; // prettier-ignore
    for (let i = 0; i < inOrder.length; i++) {
      const sent = inOrder.slice(i).map((name): [string, string] => [name, name === 'Authorization' ? `Bearer ${name}` : name]); // prettier-ignore
      expect(presented(...sent.toReversed())).toEqual(secret(inOrder[i]!));
    }
  });

  it('may be sent twice if it is the same, and not if it is not', () => {
    expect(presented(['x-api-key', 'sk-1'], ['X-API-Key', 'sk-1'])).toEqual(secret('sk-1'));
    expect(presented(['authorization', 'Bearer sk-1'], ['authorization', 'Bearer sk-2'])).toMatchObject({ kind: 'malformed' }); // prettier-ignore
  });

  it('may be absent', () => {
    expect(presented(['cookie', 'token=sk-1'])).toEqual({ kind: 'absent' });
  });
});
