import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gateway } from '../harness/gateway.js';
import { casesOf, type Name } from '../harness/terraform/cases.js';
import { provider } from '../harness/terraform/provider.js';
import {
  type Config,
  type Send,
  type State,
  Terraform,
  type Values,
} from '../harness/terraform/terraform.js';
import { Upstream } from '../harness/upstream.js';

/**
 * Proves that Terraform's provider for LiteLLM works: no value stays unknown, the next plan is empty, and destroying leaves
 * nothing.
 */

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const send: Send = async (method, path, body) => {
  const { status, text, body: answer } = await gateway.send(method, path, body, {
    authorization: `Bearer ${gateway.masterKey}`,
    'x-api-key': gateway.masterKey,
    'litellm-changed-by': 'terraform',
  });
  if (status < 200 || status > 299) throw new Error(`API request failed with status ${status}: ${text}`);
  return answer as Values;
}; // prettier-ignore

const terraform = new Terraform(send);
const apply = (name: Name, config: Config) => terraform.apply(provider[name], config);
const cases = casesOf(apply);

describe.each(Object.keys(cases) as Name[])('%s', (name) => {
  it.each(Object.keys(cases[name]))('%s: each plan after an apply is empty, and it goes', async (kind) => {
    let state: State | undefined;
    for (const config of await cases[name][kind]!())
      state = await terraform.apply(provider[name], config, state);
    await terraform.destroy(provider[name], state!);
  });
});

describe('a whole stack', () => {
  it('stands without drift, changes, and goes in reverse order', async () => {
    const stack: [name: Name, config: Config, state: State][] = [];
    const add = async (name: Name, config: Config) => {
      const state = await apply(name, config);
      stack.push([name, config, state]);
      return state.id as string;
    };
    const organization_id = await add('organization', { organization_alias: 'stack', max_budget: 100, models: ['m-out', 'm-in'] });
    const team_id = await add('team', { team_alias: 'stack', organization_id, max_budget: 50, models: ['m-out'], team_member_budget: 5 });
    const user_id = await add('user', { user_id: 'stack', user_email: 'stack@example.com', auto_create_key: false });
    await add('organization_member', { organization_id, user_id, role: 'internal_user' });
    await add('team_member', { team_id, user_id, user_email: 'stack@example.com', role: 'admin', max_budget_in_team: 2 });
    await add('key', { team_id, user_id, key_alias: 'stack', max_budget: 1, models: ['m-out'] });
    await add('model', { model_name: 'stack-model', custom_llm_provider: 'openai', base_model: 'gpt-4o', team_id });
    await add('access_group', { access_group: 'stack-group', model_names: ['m-in', 'm-out'] });
    await add('unified_access_group', { access_group_name: 'stack', access_model_names: ['m-in'] });

    for (const [name, config, state] of stack) await terraform.expectNoDrift(provider[name], config, state);
    for (const [name, , state] of stack.toReversed()) await terraform.destroy(provider[name], state);
  }); // prettier-ignore

  it('that was deleted by hand is made again', async () => {
    const config = { team_alias: 'by-hand', models: ['m-out'] };
    const { id } = await apply('team', config);
    await send('POST', '/team/delete', { team_ids: [id] });
    expect(await provider.team.read({ id: id! }, send)).toBeUndefined();
    await terraform.destroy(provider.team, await apply('team', config));
  });
});

/**
 * Reads a list data source: an array, or the array under one of these names in an object. Items that are not objects are
 * skipped.
 */
const listed = async (path: string, ...names: string[]) => {
  const answer: unknown = await send('GET', path);
  const list = names.map((name) => (answer as Values)[name]).find(Array.isArray);
  const items = Array.isArray(answer) && !names.includes('only') ? answer : list;
  expect(items, `${path} has an array where it is looked for`).toBeInstanceOf(Array);
  return (items as unknown[]).filter((item) => typeof item === 'object') as Values[];
};

describe('a data source', () => {
  beforeAll(async () => {
    const limits = { max_budget: 5, budget_duration: '30d', tpm_limit: 6, rpm_limit: 7 };
    const labels = { models: ['m-out'], metadata: { a: '1' } };
    await apply('organization', { organization_id: 'data', organization_alias: 'data', tags: ['t'], ...limits, ...labels });
    await gateway.create('/team/new', { team_id: 'data', team_alias: 'data', organization_id: 'data', ...limits, ...labels });
    await apply('user', { user_id: 'data', user_alias: 'data', user_email: 'data@example.com', user_role: 'internal_user', auto_create_key: false, ...limits, ...labels });
    await apply('key', { key: 'sk-data-source', key_alias: 'data', user_id: 'data', team_id: 'data', soft_budget: 3, max_parallel_requests: 2, tags: ['t'], ...limits, ...labels });
    await apply('budget', { budget_id: 'data', soft_budget: 3, max_parallel_requests: 2, ...limits });
    await apply('tag', { name: 'data', description: 'data', models: ['m-out'] });
    await apply('model', { model_name: 'data', custom_llm_provider: 'openai', base_model: 'gpt-4o', model_api_base: upstream.url, tpm: 1, rpm: 2, mode: 'chat', tier: 'paid' });
    await apply('access_group', { access_group: 'data', model_names: ['m-out'] });
    await apply('unified_access_group', { access_group_name: 'data-unified', access_model_names: ['m-out'] });
  });

  const LIMITED = { max_budget: 5, budget_duration: '30d', tpm_limit: 6, rpm_limit: 7, spend: 0, models: ['m-out'], metadata: { a: '1' } };
  it.each<[path: string, names: string[], row: Values]>([
    ['/key/list?return_full_object=true&user_id=data', ['keys', 'data'], { key_alias: 'data', user_id: 'data', team_id: 'data', spend: 0, max_budget: 5, tpm_limit: 6, rpm_limit: 7 }],
    ['/team/list?organization_id=data', ['teams', 'data'], { team_id: 'data', team_alias: 'data', organization_id: 'data', blocked: false, ...LIMITED }],
    ['/organization/list?org_alias=data', ['organizations', 'data'], { organization_id: 'data', organization_alias: 'data', tags: ['t'], blocked: false, ...LIMITED }],
    ['/user/list?user_role=internal_user', ['users', 'data'], { user_id: 'data', user_alias: 'data', user_email: 'data@example.com', user_role: 'internal_user', teams: [], ...LIMITED }],
    ['/budget/list', [], { budget_id: 'data', max_budget: 5, soft_budget: 3, budget_duration: '30d', tpm_limit: 6, rpm_limit: 7, max_parallel_requests: 2 }],
    ['/tag/list', [], { name: 'data', description: 'data', models: ['m-out'] }],
    ['/model/info', ['models', 'data'], { model_name: 'data' }],
    ['/access_group/list', ['access_groups'], { access_group: 'data', model_names: ['m-out'] }],
    ['/v1/access_group', [], { access_group_name: 'data-unified', access_model_names: ['m-out'] }],
  ])('%s has it in %j', async (path, names, row) => {
    const [id, value] = Object.entries(row)[0]!;
    const found = (await listed(path, ...names)).filter((item) => item[id] === value);
    expect(found).toMatchObject([row]);
  });
}); // prettier-ignore
