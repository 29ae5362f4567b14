import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves that `GET /v1/models` lists exactly the models that a caller can call. */

const free = { input_cost_per_token: 0, output_cost_per_token: 0 };
/** Every entry that can be granted: names, groups, wildcards, instructions, names made up by aliases. */
const ENTRIES = ['m-a', 'm-b', 'm-c', 'm-unpriced', 'grouped', 'm-*', 'openai/*', 'v/*', 'v/one', '*', 'all-proxy-models', 'all-team-models', 'no-default-models', 'fast', 'teams', 'keys', 'nobody']; // prettier-ignore
/** Model names that a caller may request. */
const ASKED = ['m-a', 'm-b', 'm-c', 'm-g', 'm-unpriced', 'v/one', 'v/two', 'fast', 'teams', 'keys', 'grouped', 'nobody', 'm-*', '*', 'v/*', 'all-proxy-models', 'M-A', ' m-a', 'm-a.']; // prettier-ignore
const GRANTS = 500;
const SEED = 20_261_126;
const AT_ONCE = 10;

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({
    config: {
      model_list: [
        ...['m-a', 'm-b', 'm-c', 'v/one', 'v/*'].map((name) => model(name, upstream.url, free)),
        model('m-g', upstream.url, { ...free, access_groups: ['grouped'] }),
        model('m-unpriced', upstream.url, {}),
      ],
      litellm_settings: { model_alias_map: { fast: 'm-b' } },
    },
  });
});
afterAll(() => closeAll(gateway, upstream));

const lists = fc.oneof(fc.constant([]), fc.uniqueArray(fc.constantFrom(...ENTRIES), { maxLength: 4 }));
const delegation = fc.record({
  key: lists,
  team: fc.option(lists, { nil: undefined }),
  user: fc.option(lists, { nil: undefined }),
  organization: fc.option(lists, { nil: undefined }),
  aliases: fc.constantFrom(undefined, { keys: 'm-c' }, { keys: 'v/one' }, { 'm-a': 'm-b' }),
  model_aliases: fc.constantFrom(undefined, { teams: 'm-a' }, { teams: 'm-g', 'm-b': 'm-c' }),
  budget: fc.constantFrom(undefined, 1),
});

it('500 random grants: listed if and only if a call passes', async () => {
  const cases = fc.sample(delegation, { numRuns: GRANTS, seed: SEED });
  let [passed, refused, next] = [0, 0, 0];
  const check = async (at: number) => {
    const { key: models, team, user, organization, aliases, model_aliases, budget } = cases[at]!;
    const id = `grant-${at}`;
    if (organization)
      await gateway.create('/organization/new', { organization_id: id, organization_alias: id, models: organization });
    if (team) await gateway.create('/team/new', { team_id: id, models: team, model_aliases, ...(organization && { organization_id: id }) });
    if (user) await gateway.create('/user/new', { user_id: id, models: user, auto_create_key: false });
    const key = await gateway.createKey({
      models,
      aliases,
      max_budget: budget,
      ...(team && { team_id: id }),
      ...(user && { user_id: id }),
      ...(organization && !team && { organization_id: id }),
    });
    const { body } = await gateway.as(key, 'GET', '/v1/models');
    const listed = new Set((body.data as { id: string }[]).map(({ id: name }) => name));
    for (const name of ASKED) {
      const passes = (await gateway.chat(key, { model: name, max_tokens: 1 })).status === 200;
      const what = { grant: cases[at], name };
      if (at % 5 === 0) {
        const { status } = await gateway.as(key, 'GET', `/v1/models/${encodeURIComponent(name)}`);
        expect({ ...what, alone: status }).toEqual({ ...what, alone: passes ? 200 : 404 });
      }
      // A model that only a wildcard serves has no name to list.
      if (name !== 'v/two') expect({ ...what, listed: listed.has(name) }).toEqual({ ...what, listed: passes });
      if (passes) passed++;
      else refused++;
    }
    for (const name of listed) expect(ASKED).toContain(name);
  };
  const some = async () => {
    while (next < GRANTS) await check(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
  expect(passed).toBeGreaterThan(1_000);
  expect(refused).toBeGreaterThan(4_000);
  for (const { model: seen } of upstream.calls) expect(seen).toMatch(/^up-/);
}); // prettier-ignore
