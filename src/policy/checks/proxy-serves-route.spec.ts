import { describe, expect, it } from 'vitest';
import { aKey, aRoute, someFacts } from '../fixtures.testing.js';
import { compileClosedRoutes, compileRouteList } from '../routes.js';
import { proxyServesRoute } from './proxy-serves-route.js';

const MASTER = { kind: 'master', role: 'proxy_admin' } as const;
const SETTINGS = { enforceUserParam: false, enforcedParams: [] };

describe('proxyServesRoute', () => {
  it.each`
    allowed               | path                      | credential | message                                                | because
    ${undefined}          | ${'/v1/chat/completions'} | ${aKey()}  | ${undefined}                                           | ${'nothing restricts'}
    ${['/v1/embeddings']} | ${'/v1/embeddings'}       | ${aKey()}  | ${undefined}                                           | ${'it is named'}
    ${['/v1/embeddings']} | ${'/embeddings'}          | ${aKey()}  | ${'Access forbidden: Route /embeddings not allowed'}   | ${'its other spelling is not named'}
    ${['openai_routes']}  | ${'/v1/chat/completions'} | ${aKey()}  | ${undefined}                                           | ${'its group is named'}
    ${['/v1/embeddings']} | ${'/key/generate'}        | ${MASTER}  | ${'Access forbidden: Route /key/generate not allowed'} | ${'the list binds the master key, too'}
  `(
    'allowed_routes $allowed, $path: $message, because $because',
    ({ allowed, path, credential, message }) => {
      const settings = { ...SETTINGS, ...(allowed && { allowedRoutes: compileRouteList(allowed) }) };
      const { denials } = proxyServesRoute(someFacts({ settings, credential, route: aRoute({ path }) }));
      expect(denials[0]?.message).toBe(message);
    },
  );

  it.each`
    path                                          | role                    | verdict      | because
    ${'/v1/chat/completions'}                     | ${'internal_user'}      | ${'refused'} | ${'it is for admins'}
    ${'/chat/completions'}                        | ${'internal_user'}      | ${'refused'} | ${'it is the same route'}
    ${'/engines/a/b/chat/completions'}            | ${'internal_user'}      | ${'refused'} | ${'its path names the model'}
    ${'/openai/deployments/gpt/chat/completions'} | ${'internal_user'}      | ${'refused'} | ${'its path names the model'}
    ${'/v1/embeddings'}                           | ${'internal_user'}      | ${'allowed'} | ${'it is another route'}
    ${'/v1/chat/completions'}                     | ${'proxy_admin'}        | ${'allowed'} | ${'the caller is an admin'}
    ${'/v1/chat/completions'}                     | ${'proxy_admin_viewer'} | ${'refused'} | ${'a viewer is no admin'}
  `('admin_only_routes, $role at $path: $verdict, because $because', ({ path, role, verdict }) => {
    const settings = { ...SETTINGS, adminOnlyRoutes: compileClosedRoutes(['/v1/chat/completions']) };
    const facts = someFacts({ settings, credential: aKey({ role }), route: aRoute({ path }) });
    expect(proxyServesRoute(facts).denials.length ? 'refused' : 'allowed').toBe(verdict);
  });

  it.each([
    ['/v1/rerank', '/rerank'],
    ['/v1/rerank', '/v2/rerank'],
    ['/v2/rerank', '/v1/rerank'],
    ['/v1/models/', '/v1/models'],
    ['/openai/v1/models', '/models'],
    ['/openai/models', '/v1/models'],
    ['/key/{key}/regenerate', '/key/abc/regenerate'],
    ['/key/*', '/key/generate'],
  ])('admin_only_routes: %s closes %s', (entry, path) => {
    const settings = { ...SETTINGS, adminOnlyRoutes: compileClosedRoutes([entry]) };
    const facts = someFacts({
      settings,
      credential: aKey({ role: 'internal_user' }),
      route: aRoute({ path }),
    });
    expect(proxyServesRoute(facts).denials).toHaveLength(1);
  });
});
