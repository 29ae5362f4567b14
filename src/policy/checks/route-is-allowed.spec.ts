import { describe, expect, it } from 'vitest';
import { compileRouteList } from '../routes.js';
import { aKey, aRoute, someFacts } from '../testing.js';
import { routeIsAllowed } from './route-is-allowed.js';

const verdict = (facts: Parameters<typeof someFacts>[0]) =>
  routeIsAllowed(someFacts(facts)).denials.length ? 'refused' : 'allowed';

describe('routeIsAllowed', () => {
  it.each`
    path                      | adminOnly | verdict      | because
    ${'/v1/chat/completions'} | ${false}  | ${'allowed'} | ${'it calls a model'}
    ${'/key/info'}            | ${false}  | ${'allowed'} | ${'it reads itself'}
    ${'/their/own/route'}     | ${false}  | ${'allowed'} | ${'somebody else’s door is a door for callers too'}
    ${'/key/generate'}        | ${true}   | ${'refused'} | ${'only an administrator issues keys'}
    ${'/v1/chat/completions'} | ${true}   | ${'refused'} | ${'the door decides, not its name'}
  `('a virtual key on $path: $verdict, because $because', ({ path, adminOnly, verdict: expected }) => {
    expect(verdict({ route: aRoute({ path, adminOnly }) })).toBe(expected);
  });

  it.each`
    allowed                             | path                      | verdict      | because
    ${null}                             | ${'/v1/chat/completions'} | ${'allowed'} | ${'no list is no restriction'}
    ${[]}                               | ${'/v1/chat/completions'} | ${'allowed'} | ${'nor is an empty one'}
    ${['openai_routes']}                | ${'/v1/chat/completions'} | ${'allowed'} | ${'the group holds it'}
    ${['info_routes']}                  | ${'/v1/chat/completions'} | ${'refused'} | ${'the group does not'}
    ${['info_routes', 'openai_routes']} | ${'/v1/embeddings'}       | ${'allowed'} | ${'one of the groups does'}
    ${['/v1/embeddings']}               | ${'/v1/embeddings'}       | ${'allowed'} | ${'it is named'}
    ${['/v1/embeddings']}               | ${'/embeddings'}          | ${'refused'} | ${'its twin is not'}
    ${['/v1/chat/*']}                   | ${'/v1/chat/completions'} | ${'allowed'} | ${'a wildcard covers it'}
    ${['/v1/embed']}                    | ${'/v1/embeddings'}       | ${'refused'} | ${'a prefix is not a match'}
    ${['/key/generate']}                | ${'/key/generate'}        | ${'refused'} | ${'a list never gives more than the door'}
    ${['*']}                            | ${'/key/generate'}        | ${'refused'} | ${'not even everything'}
  `('$allowed on $path: $verdict, because $because', ({ allowed, path, verdict: expected }) => {
    const credential = aKey({ allowedRoutes: compileRouteList(allowed) });
    const adminOnly = path === '/key/generate';
    expect(verdict({ credential, route: aRoute({ path, adminOnly }) })).toBe(expected);
  });

  it.each([
    'proxy_admin_viewer',
    'org_admin',
    'internal_user',
    'internal_user_viewer',
    'team',
    'customer',
  ] as const)('a door for administrators is closed to %s, whatever the lists say', (role) => {
    expect(
      verdict({ credential: aKey({ role }), route: aRoute({ path: '/v1/models', adminOnly: true }) }),
    ).toBe('refused');
  });

  it('the master key may go anywhere', () => {
    const credential = { kind: 'master', role: 'proxy_admin' } as const;
    expect(verdict({ credential, route: aRoute({ path: '/key/generate', adminOnly: true }) })).toBe(
      'allowed',
    );
  });

  it('a team’s token may call models and read, by default (the seed’s rule)', () => {
    const credential = aKey({ role: 'team' });
    expect(verdict({ credential, route: aRoute() })).toBe('allowed');
    expect(verdict({ credential, route: aRoute({ path: '/team/info' }) })).toBe('allowed');
    expect(verdict({ credential, route: aRoute({ path: '/team/new' }) })).toBe('refused');
  });
});
