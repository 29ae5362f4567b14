import { secretHash } from '../../src/platform/secrets.js';
import type { Answer, Gateway } from './gateway.js';

/** Kinds of callers, by their part in their tenant. */
export const CALLERS = ['orgAdmin', 'teamAdmin', 'member', 'user', 'viewer', 'team', 'customer'] as const;
export type CallerKind = (typeof CALLERS)[number];

/** An organization with a team, users of every role, their keys, an end user and a tier. `marker` is in everything named. */
export interface Tenant {
  readonly name: string;
  readonly marker: string;
  /** Secrets, by the caller who uses them. */
  readonly keys: Readonly<Record<CallerKind, string>>;
  /** Further keys of the same users, for changes and deletions. */
  readonly spare: Readonly<Record<CallerKind, string>>;
  /** Ids that a request can name, by the field that names them. */
  readonly ids: Readonly<Record<string, string>>;
  readonly userIds: Readonly<Partial<Record<CallerKind, string>>>;
}

export async function makeTenant(gateway: Gateway, name: string): Promise<Tenant> {
  const marker = `secret-of-${name}`;
  const note = { metadata: { note: marker } };
  const [organization, team, tier, customer] = ['org', 'team', 'tier', 'cust'].map((kind) => `${kind}-${name}`) as [
    string, string, string, string,
  ]; // prettier-ignore
  await gateway.create('/budget/new', { budget_id: tier, max_budget: 1_234.5 });
  await gateway.create('/organization/new', {
    organization_id: organization,
    organization_alias: marker,
    ...note,
  });
  await gateway.create('/customer/new', { user_id: customer, alias: marker, budget_id: tier });
  const people = ['orgAdmin', 'teamAdmin', 'member', 'user', 'viewer'] as const;
  const userIds = Object.fromEntries(people.map((kind) => [kind, `${kind}-${name}`]));
  for (const kind of people) {
    await gateway.create('/user/new', {
      user_id: userIds[kind],
      user_email: `${kind}.${marker}@example.com`,
      user_alias: `${kind} ${marker}`,
      ...(kind === 'member' && { sso_user_id: `sso-${marker}` }),
      user_role: kind === 'viewer' ? 'internal_user_viewer' : 'internal_user',
      auto_create_key: false,
      ...note,
    });
  }
  await gateway.create('/team/new', {
    team_id: team,
    team_alias: marker,
    organization_id: organization,
    ...note,
    members_with_roles: [
      { role: 'admin', user_id: userIds.teamAdmin },
      { role: 'user', user_id: userIds.member },
    ],
  });
  await gateway.create('/access_group/new', { access_group: marker, model_names: ['m-free'] });
  const groups = (await gateway.admin('GET', '/v1/access_group')).body as { access_group_id: string; access_group_name: string }[]; // prettier-ignore
  await gateway.create('/organization/member_add', {
    organization_id: organization,
    member: [
      { role: 'org_admin', user_id: userIds.orgAdmin },
      { role: 'internal_user', user_id: userIds.user },
    ],
  });
  const keys = async (suffix: string) => {
    const owners: [CallerKind, object][] = [
      ...people.map((kind) => [kind, { user_id: userIds[kind] }] as [CallerKind, object]),
      ['team', { team_id: team }],
      ['customer', {}],
    ];
    const entries: [CallerKind, string][] = [];
    for (const [kind, owner] of owners) {
      entries.push([
        kind,
        await gateway.createKey({ ...owner, key_alias: `${kind}-${marker}${suffix}`, ...note }),
      ]);
    }
    return Object.fromEntries(entries) as Record<CallerKind, string>;
  };
  const mine = await keys('');
  const [session, trace] = [`session-${marker}`, `trace-${marker}`];
  const origin = { 'x-litellm-session-id': session, 'x-litellm-trace-id': trace };
  await gateway.chat(mine.member, { model: 'm-free', user: customer, tags: [marker] }, origin);
  const [spent] = (await gateway.admin('GET', `/spend/logs?user_id=${userIds.member}`)).body as [
    { litellm_call_id: string },
  ];
  return {
    name,
    marker,
    keys: mine,
    spare: await keys('-spare'),
    userIds,
    ids: {
      user_id: userIds.member!,
      user_ids: userIds.member!,
      user_email: `member.${marker}@example.com`,
      team_id: team,
      team_ids: team,
      team,
      teams: team,
      organization_id: organization,
      organization_ids: organization,
      org_id: organization,
      org_alias: marker,
      end_user: customer,
      end_user_id: customer,
      end_user_ids: customer,
      exclude_end_user_ids: customer,
      exclude_team_ids: team,
      exclude_organization_ids: organization,
      internal_user_id: userIds.member!,
      customer_id: customer,
      budget_id: tier,
      budgets: tier,
      key: mine.member,
      keys: mine.member,
      api_key: mine.member,
      key_aliases: `member-${marker}`,
      key_alias: `member-${marker}`,
      key_hash: secretHash(mine.member),
      request_id: spent.litellm_call_id,
      session_id: session,
      trace_id: trace,
      changed_by: userIds.member!,
      changed_by_api_key: secretHash(mine.member),
      object_id: team,
      object_team_id: team,
      object_key_hash: secretHash(mine.member),
      organizations: organization,
      assigned_team_ids: team,
      assigned_key_ids: secretHash(mine.member),
      access_group: marker,
      access_group_id: groups.find(({ access_group_name: called }) => called === marker)!.access_group_id,
      model_id: 'd-m-free',
      sso_user_ids: `sso-${marker}`,
      teamId: team,
      modelId: 'd-m-free',
      id: 'd-m-free',
      litellm_model_id: 'd-m-free',
    },
  };
}

/** Returns everything an admin can see of a tenant, in one text. Equal texts mean that nothing changed. */
export async function everythingOf(gateway: Gateway, { ids, keys, spare, userIds }: Tenant): Promise<string> {
  const read = async (path: string) => (await gateway.admin('GET', path)).text;
  const texts = [
    await read(`/organization/info?organization_id=${ids.organization_id}`),
    await read(`/team/info?team_id=${ids.team_id}`),
    await read(`/customer/info?end_user_id=${ids.end_user}`),
  ];
  for (const id of Object.values(userIds)) texts.push(await read(`/user/info?user_id=${id}`));
  for (const key of [...Object.values(keys), ...Object.values(spare)])
    texts.push(await read(`/key/info?key=${key}`));
  return texts.join('\n');
}

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly example?: unknown;
}

/** One operation of the OpenAPI document. */
export interface Operation {
  readonly door: string;
  readonly method: string;
  readonly path: string;
  readonly query: readonly string[];
  /** Parameters of the path, without a model. */
  readonly pathParams: readonly string[];
  /** The body's fields; empty without a body. */
  readonly fields: readonly string[];
  /** A body with every required field, from the example. */
  readonly example: Readonly<Record<string, unknown>>;
}

/** Returns the operations in the document of this process. */
export async function operations(gateway: Pick<Gateway, 'send'>): Promise<Operation[]> {
  const document = (await gateway.send('GET', '/openapi.json')).body as {
    paths: Record<string, Record<string, { parameters?: { in: string; name: string }[]; requestBody?: { content: Record<string, { schema: Schema }> } }>>;
    components: { schemas: Record<string, Schema> };
  }; // prettier-ignore
  const resolved = (schema: Schema | undefined): Schema =>
    schema?.$ref ? document.components.schemas[schema.$ref.split('/').at(-1)!]! : (schema ?? {});
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody }]) => {
      const { properties = {}, required = [] } = resolved(requestBody?.content['application/json']?.schema);
      return {
        door: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path,
        query: parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name),
        pathParams: parameters
          .filter((parameter) => parameter.in === 'path' && parameter.name !== 'model')
          .map(({ name }) => name),
        fields: Object.keys(properties),
        example: Object.fromEntries(required.map((name) => [name, properties[name]!.example ?? 'x'])),
      };
    }),
  );
}

/** A route that spends money. */
export interface Billable {
  readonly path: string;
  /** The route takes a form, not JSON. */
  readonly isForm: boolean;
}

/** Returns the routes whose documentation names a refusal by budget. */
export async function billable(gateway: Gateway): Promise<Billable[]> {
  const { paths } = (await gateway.send('GET', '/openapi.json')).body as {
    paths: Record<string, { post?: { requestBody?: { content: object }; responses: Record<string, { description: string }> } }>;
  }; // prettier-ignore
  return Object.entries(paths).flatMap(([path, { post }]) =>
    post?.responses['429']
      ? [{ path, isForm: 'multipart/form-data' in (post.requestBody?.content ?? {}) }]
      : [],
  );
}

/** Returns only the parts that distinguish one refusal from another. */
export const verdict = ({ status, body, text }: Answer) => ({
  status,
  message: (body?.error?.message as string | undefined) ?? text,
});
