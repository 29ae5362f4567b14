import { describe, expect, it } from 'vitest';
import { withBarePlus } from './bare-plus.js';

describe('withBarePlus', () => {
  it.each([
    ['/user/info?user_id=a+b@example.com', 'user_id', 'a+b@example.com'],
    ['/user/info?x=1&user_id=a+b', 'user_id', 'a+b'],
    ['/user/info?user_id=a%2Bb@example.com', 'user_id', 'a+b@example.com'],
    ['/user/info?user_id=a%20b', 'user_id', 'a b'],
    ['/organization/info?organization_id=a+b=c', 'organization_id', 'a+b=c'],
    ['/customer/info?end_user_id=+49', 'end_user_id', '+49'],
    ['/user/list?user_ids=a+1,b+2', 'user_ids', 'a+1,b+2'],
    ['/user/list?user_email=a+b', 'user_email', 'a+b'],
    ['/spend/logs?end_user=a+b', 'end_user', 'a+b'],
    ['/key/list?key_alias=a+b@example.com', 'key_alias', 'a+b@example.com'],
    ['/key/list?key_alias=my+key', 'key_alias', 'my key'],
    ['/a+b?search=two+words', 'search', 'two words'],
  ])('%s: %s is %j', (url, name, value) => {
    const rewritten = withBarePlus(url);
    expect(new URL(rewritten, 'http://gateway').searchParams.get(name)).toBe(value);
    expect(rewritten.split('?')[0]).toBe(url.split('?')[0]);
  });

  it.each(['/a+b', '/chat/completions', '/user/info?user_id=a', '/x?'])('leaves %s as it is', (url) =>
    expect(withBarePlus(url)).toBe(url),
  );
});
