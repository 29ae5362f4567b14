import { describe, expect, it } from 'vitest';
import { compileKeyRoutes, compileRouteList } from '../routes.js';
import { aKey, aRoute, someFacts } from '../fixtures.testing.js';
import { routeIsAllowed } from './route-is-allowed.js';

const verdict = (facts: Parameters<typeof someFacts>[0]) =>
  routeIsAllowed(someFacts(facts)).denials.length ? 'refused' : 'allowed';

describe('routeIsAllowed', () => {
  it.each`
    path                      | roles    | verdict      | because
    ${'/v1/chat/completions'} | ${'any'} | ${'allowed'} | ${'it calls a model'}
    ${'/key/info'}            | ${'any'} | ${'allowed'} | ${'it reads itself'}
    ${'/their/own/route'}     | ${'any'} | ${'allowed'} | ${'somebody else’s door is a door for callers too'}
    ${'/key/generate'}        | ${[]}    | ${'refused'} | ${'only an administrator issues keys'}
    ${'/v1/chat/completions'} | ${[]}    | ${'refused'} | ${'the door decides, not its name'}
  `('a virtual key on $path: $verdict, because $because', ({ path, roles, verdict: expected }) => {
    expect(verdict({ route: aRoute({ path, roles }) })).toBe(expected);
  });

  it.each`
    allowed                             | path                                  | verdict      | because
    ${null}                             | ${'/v1/chat/completions'}             | ${'allowed'} | ${'no list is no restriction'}
    ${[]}                               | ${'/v1/chat/completions'}             | ${'allowed'} | ${'nor is an empty one'}
    ${['openai_routes']}                | ${'/v1/chat/completions'}             | ${'allowed'} | ${'the group holds it'}
    ${['info_routes']}                  | ${'/v1/chat/completions'}             | ${'refused'} | ${'the group does not'}
    ${['info_routes', 'openai_routes']} | ${'/v1/embeddings'}                   | ${'allowed'} | ${'one of the groups does'}
    ${['/v1/embeddings']}               | ${'/v1/embeddings'}                   | ${'allowed'} | ${'it is named'}
    ${['/v1/embeddings']}               | ${'/embeddings'}                      | ${'refused'} | ${'its twin is not'}
    ${['/v1/chat/*']}                   | ${'/v1/chat/completions'}             | ${'allowed'} | ${'a wildcard covers it'}
    ${['/{a:path}/info/{b}']}           | ${'/x/info/y/info/z'}                 | ${'allowed'} | ${'a path takes as many segments as it must'}
    ${['/{a:path}/{b:path}/x']}         | ${'/1/2/3/4/y'}                       | ${'refused'} | ${'its end differs'}
    ${['/{a:path}/x']}                  | ${'/1//x'}                            | ${'refused'} | ${'an empty segment is none'}
    ${['/v1/embed']}                    | ${'/v1/embeddings'}                   | ${'refused'} | ${'a part of a segment is none'}
    ${['/v1']}                          | ${'/v1/chat/completions'}             | ${'allowed'} | ${'it is below'}
    ${['/v1']}                          | ${'/v1x/models'}                      | ${'refused'} | ${'it begins alike and is not below'}
    ${['/v1']}                          | ${'/V1/models'}                       | ${'refused'} | ${'case counts'}
    ${['/v1']}                          | ${'/models'}                          | ${'refused'} | ${'it is above'}
    ${['/v1/']}                         | ${'/v1/models'}                       | ${'refused'} | ${'LiteLLM takes the slash at the end as written'}
    ${['/']}                            | ${'/v1/models'}                       | ${'refused'} | ${'LiteLLM takes it as the root alone'}
    ${['/engines']}                     | ${'/engines/m/embeddings'}            | ${'allowed'} | ${'a model follows'}
    ${['/openai/v1']}                   | ${'/v1/models'}                       | ${'allowed'} | ${'the router knows it by this name'}
    ${['/openai/v1x']}                  | ${'/v1/models'}                       | ${'refused'} | ${'this is no such name'}
    ${['/openai']}                      | ${'/openai/deployments/m/embeddings'} | ${'allowed'} | ${'it is below'}
    ${['/key/{key}']}                   | ${'/key/a/regenerate'}                | ${'refused'} | ${'a pattern is no prefix'}
    ${['info_routes']}                  | ${'/models/gpt-4o'}                   | ${'refused'} | ${'a member of a group is no prefix'}
    ${['global_spend_tracking_routes']} | ${'/global/spend/reset'}              | ${'refused'} | ${'nor here'}
    ${['nobodys_routes']}               | ${'nobodys_routes/x'}                 | ${'refused'} | ${'a word is no route'}
    ${['model_info_routes']}            | ${'/model_group/info'}                | ${'allowed'} | ${'LiteLLM’s group has it'}
    ${['llm_api_routes']}               | ${'/model_group/info'}                | ${'allowed'} | ${'LiteLLM’s group has it'}
    ${['llm_api_routes_without_mcp']}   | ${'/v1/responses/input_tokens'}       | ${'allowed'} | ${'the group holds it'}
    ${['/key/generate']}                | ${'/key/generate'}                    | ${'refused'} | ${'a list never gives more than the door'}
    ${['*']}                            | ${'/key/generate'}                    | ${'refused'} | ${'not even everything'}
  `('$allowed on $path: $verdict, because $because', ({ allowed, path, verdict: expected }) => {
    const credential = aKey({ allowedRoutes: compileKeyRoutes(allowed) });
    const roles = path === '/key/generate' ? [] : 'any';
    expect(verdict({ credential, route: aRoute({ path, roles }) })).toBe(expected);
  });

  it.each([
    'proxy_admin_viewer',
    'org_admin',
    'internal_user',
    'internal_user_viewer',
    'team',
    'customer',
  ] as const)('a door for administrators is closed to %s, whatever the lists say', (role) => {
    expect(verdict({ credential: aKey({ role }), route: aRoute({ path: '/v1/models', roles: [] }) })).toBe(
      'refused',
    );
  });

  it.each`
    method    | path               | roles                     | role               | message
    ${'GET'}  | ${'/global/spend'} | ${['proxy_admin_viewer']} | ${'internal_user'} | ${'Only proxy_admin, proxy_admin_viewer may read this. Route=/global/spend. Your role=internal_user.'}
    ${'HEAD'} | ${'/user/list'}    | ${[]}                     | ${'team'}          | ${'Only proxy_admin may read this. Route=/user/list. Your role=team.'}
    ${'POST'} | ${'/tag/info'}     | ${['proxy_admin_viewer']} | ${'customer'}      | ${'Only proxy_admin, proxy_admin_viewer may read this. Route=/tag/info. Your role=customer.'}
    ${'GET'}  | ${'/their/own'}    | ${'any'}                  | ${'team'}          | ${'This role may not call this route. Route=/their/own. Your role=team.'}
    ${'POST'} | ${'/user/new'}     | ${[]}                     | ${'internal_user'} | ${'Only proxy admin can be used to generate, delete, update info for new keys/users/teams. Route=/user/new. Your role=internal_user.'}
  `('$role at $method $path: $message', ({ method, path, roles, role, message }) => {
    const route = aRoute({ method, path, roles, callsModel: false });
    const { denials } = routeIsAllowed(someFacts({ credential: aKey({ role }), route }));
    expect(denials[0]!.message).toBe(message);
  });

  it('a door is open to the roles it names', () => {
    const route = aRoute({ path: '/key/list', roles: ['internal_user'] });
    expect(verdict({ credential: aKey({ role: 'internal_user' }), route })).toBe('allowed');
    expect(verdict({ credential: aKey({ role: 'internal_user_viewer' }), route })).toBe('refused');
    expect(verdict({ credential: aKey({ role: 'proxy_admin' }), route })).toBe('allowed');
  });

  it.each(['/global/spend', '/global/spend/keys', '/global/spend/report', '/global/spend/end_users'])(
    'the group of reports holds %s',
    (path) => {
      const credential = aKey({
        role: 'proxy_admin',
        allowedRoutes: compileRouteList(['global_spend_tracking_routes']),
      });
      expect(verdict({ credential, route: aRoute({ path, callsModel: false }) })).toBe('allowed');
    },
  );

  it.each([
    ['global_spend_tracking_routes'],
    ['/global/spend/*'],
    ['/global/spend'],
    ['master_key_only_routes'],
    ['/global/spend/reset'],
    ['*'],
    [],
  ])('only the master key resets what everybody spent: not an administrator’s key with %s', (...allowed) => {
    const route = aRoute({ path: '/global/spend/reset', callsModel: false, roles: [] });
    const key = aKey({ role: 'proxy_admin', allowedRoutes: compileKeyRoutes(allowed) });
    expect(verdict({ credential: key, route })).toBe('refused');
    expect(verdict({ credential: { kind: 'token', role: 'proxy_admin', routes: [] }, route })).toBe(
      'refused',
    );
    expect(verdict({ credential: { kind: 'master', role: 'proxy_admin' }, route })).toBe('allowed');
  });

  it.each`
    role               | allowed                  | method    | path               | verdict      | because
    ${'customer'}      | ${['/metrics']}          | ${'GET'}  | ${'/metrics'}      | ${'allowed'} | ${'an admin named it for a scraper'}
    ${'team'}          | ${['/x', '/metrics']}    | ${'HEAD'} | ${'/metrics'}      | ${'allowed'} | ${'an admin named it for a scraper'}
    ${'customer'}      | ${['/metrics']}          | ${'POST'} | ${'/metrics'}      | ${'refused'} | ${'it only reads'}
    ${'customer'}      | ${['/metrics']}          | ${'GET'}  | ${'/audit'}        | ${'refused'} | ${'it reads nothing else'}
    ${'customer'}      | ${['/global/spend']}     | ${'GET'}  | ${'/global/spend'} | ${'refused'} | ${'reports are for viewers'}
    ${'customer'}      | ${['*']}                 | ${'GET'}  | ${'/metrics'}      | ${'refused'} | ${'nobody named it'}
    ${'customer'}      | ${['/metr*']}            | ${'GET'}  | ${'/metrics'}      | ${'refused'} | ${'nobody named it'}
    ${'customer'}      | ${[]}                    | ${'GET'}  | ${'/metrics'}      | ${'refused'} | ${'without a list the role decides'}
    ${'internal_user'} | ${['/metrics']}          | ${'GET'}  | ${'/metrics'}      | ${'refused'} | ${'a user who was an admin keeps nothing'}
  `('$allowed of a $role at $method $path: $verdict, because $because', ({ role, allowed, method, path, verdict: expected }) => {
    const credential = aKey({ role, allowedRoutes: compileKeyRoutes(allowed) });
    const route = aRoute({ method, path, callsModel: false, roles: ['proxy_admin_viewer'] });
    expect(verdict({ credential, route })).toBe(expected);
  }); // prettier-ignore

  it('the master key may go anywhere', () => {
    const credential = { kind: 'master', role: 'proxy_admin' } as const;
    expect(verdict({ credential, route: aRoute({ path: '/key/generate', roles: [] }) })).toBe('allowed');
  });

  it.each`
    role             | lists                                              | path                      | verdict      | because
    ${'proxy_admin'} | ${[['management_routes']]}                         | ${'/user/new'}            | ${'allowed'} | ${'the group holds it'}
    ${'proxy_admin'} | ${[['management_routes']]}                         | ${'/v1/chat/completions'} | ${'refused'} | ${'an administrator’s token is for administration'}
    ${'team'}        | ${[]}                                              | ${'/v1/chat/completions'} | ${'allowed'} | ${'teams call models'}
    ${'team'}        | ${[]}                                              | ${'/user/new'}            | ${'refused'} | ${'teams administer nothing'}
    ${'team'}        | ${[['management_routes']]}                         | ${'/user/new'}            | ${'refused'} | ${'a list never gives more than the role'}
    ${'team'}        | ${[['/v1/embeddings']]}                            | ${'/v1/chat/completions'} | ${'refused'} | ${'its list does not hold it'}
    ${'team'}        | ${[['/v1/chat/*'], ['openai_routes']]}             | ${'/v1/chat/completions'} | ${'allowed'} | ${'every list does'}
    ${'team'}        | ${[['/v1/chat/*'], ['info_routes']]}               | ${'/v1/chat/completions'} | ${'refused'} | ${'one does not'}
  `('a token of a $role with $lists on $path: $verdict, because $because', ({ role, lists, path, verdict: expected }) => {
    const routes = (lists as string[][]).map(compileRouteList);
    const callsModel = path !== '/user/new';
    const route = aRoute({ path, callsModel, roles: callsModel ? 'any' : [] });
    expect(verdict({ credential: { kind: 'token', role, routes }, route })).toBe(expected);
  }); // prettier-ignore

  it('a team’s token may call models and read, by default (the seed’s rule)', () => {
    const credential = aKey({ role: 'team' });
    expect(verdict({ credential, route: aRoute() })).toBe('allowed');
    const callsModel = false;
    expect(verdict({ credential, route: aRoute({ path: '/team/info', callsModel }) })).toBe('allowed');
    expect(verdict({ credential, route: aRoute({ path: '/team/new', callsModel }) })).toBe('refused');
    expect(verdict({ credential, route: aRoute({ path: '/their/chat' }) })).toBe('allowed');
  });
});
