import createClient from 'openapi-fetch';
import type { paths } from './schema.js';

/** Runs everything that a client generated from `/openapi.json` does, from the first request to the last. */
export async function life(baseUrl: string, masterKey: string, model: string) {
  const bearer = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });
  const admin = createClient<paths>({ baseUrl, ...bearer(masterKey) });
  const there = <T>({ data, error }: { data?: T; error?: unknown }): T => {
    if (data === undefined) throw new Error(JSON.stringify(error));
    return data;
  };

  const { organization_id } = there(
    await admin.POST('/organization/new', { body: { organization_alias: 'Client', max_budget: 5 } }),
  );
  const { team_id } = there(
    await admin.POST('/team/new', { body: { team_alias: 'Client', organization_id } }),
  );
  const { user_id } = there(
    await admin.POST('/user/new', { body: { user_alias: 'Client', auto_create_key: false } }),
  );
  there(
    await admin.POST('/team/member_add', {
      body: { team_id, member: [{ role: 'user', user_id: user_id! }] },
    }),
  );
  const { key } = there(
    await admin.POST('/key/generate', { body: { user_id: user_id!, team_id, models: [model] } }),
  );

  const caller = createClient<paths>({ baseUrl, ...bearer(key) });
  const call = (name: string) =>
    caller.POST('/v1/chat/completions', {
      body: { model: name, max_tokens: 5, messages: [{ role: 'user', content: 'Hello!' }] },
    });
  there(await call(model));
  const refused = await call('m-free');

  const { team_info } = there(await admin.GET('/team/info', { params: { query: { team_id } } }));
  const logs = there(await admin.GET('/spend/logs', { params: { query: { team_id } } }));

  there(await admin.POST('/key/delete', { body: { keys: [key] } }));
  there(await admin.POST('/user/delete', { body: { user_ids: [user_id!] } }));
  there(await admin.DELETE('/organization/delete', { body: { organization_ids: [organization_id] } }));
  const after = await call(model);
  return {
    refusedModel: refused.error?.error.type,
    spent: team_info.spend,
    logged: logs.length,
    afterwards: after.response.status,
  };
}
