import type { Type } from '@nestjs/common';
import { getMetadataArgsStorage } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NewBudgetDto, UpdateBudgetDto } from '../../src/budgets/budgets.dto.js';
import { Budget } from '../../src/parties/entities/budget.entity.js';
import { EndUser } from '../../src/parties/entities/end-user.entity.js';
import { NewEndUserDto, UpdateEndUserDto } from '../../src/end-users/end-users.dto.js';
import { limitingFields, acceptedFields } from '../../src/http/unknown-fields.js';
import { GenerateKeyDto, RegenerateKeyDto, UpdateKeyDto } from '../../src/keys/keys.dto.js';
import { VirtualKey } from '../../src/parties/entities/virtual-key.entity.js';
import { OrganizationMember } from '../../src/parties/entities/organization-member.entity.js';
import {
  AddOrganizationMembersDto,
  UpdateOrganizationMemberDto,
} from '../../src/organizations/organization-members.dto.js';
import { Organization } from '../../src/parties/entities/organization.entity.js';
import { NewOrganizationDto, UpdateOrganizationDto } from '../../src/organizations/organizations.dto.js';
import { ALL_FIELDS } from '../../src/parties/fields/all-fields.js';
import {
  type Field,
  type Fields,
  isPassedOn,
  type PassedOnLimit,
  WIRE_TYPES,
} from '../../src/parties/fields/field.js';
import { Tag } from '../../src/parties/entities/tag.entity.js';
import { TagDto } from '../../src/tags/tags.dto.js';
import { Member } from '../../src/parties/entities/team-member.entity.js';
import { Team } from '../../src/parties/entities/team.entity.js';
import { AddMembersDto, NewTeamDto, UpdateMemberDto, UpdateTeamDto } from '../../src/teams/teams.dto.js';
import { User } from '../../src/parties/entities/user.entity.js';
import { NewUserDto, UpdateUserDto } from '../../src/users/users.dto.js';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves that every declared field behaves as declared: against the DTOs, the tables, the document, and by requests. */

interface Resource {
  readonly entity: new () => object;
  readonly dtos: readonly Type[];
  /** Routes whose bodies the DTOs describe, for the OpenAPI document. */
  readonly routes: readonly string[];
  /** Columns that only the gateway writes. */
  readonly ownColumns: readonly string[];
}

const AUTHORED = ['createdAt', 'createdBy', 'updatedAt', 'updatedBy'];
const ROW = [...AUTHORED, 'id', 'deletedAt', 'extra', 'budgetAnchor', 'budgetSince'];

const RESOURCES: Readonly<Record<keyof typeof ALL_FIELDS, Resource>> = {
  key: {
    entity: VirtualKey,
    dtos: [GenerateKeyDto, UpdateKeyDto, RegenerateKeyDto],
    routes: ['POST /key/generate', 'POST /key/update', 'POST /key/regenerate'],
    ownColumns: [...ROW, 'secretHash', 'formerSecretHash', 'formerEndsAt', 'rotationCount', 'lastRotatedAt', 'keyName'],
  },
  user: {
    entity: User,
    dtos: [UpdateUserDto],
    routes: ['POST /user/update'],
    ownColumns: [...ROW, 'foldedEmail'],
  },
  team: {
    entity: Team,
    dtos: [NewTeamDto, UpdateTeamDto],
    routes: ['POST /team/new', 'POST /team/update'],
    ownColumns: ROW,
  },
  member: {
    entity: Member,
    dtos: [AddMembersDto, UpdateMemberDto],
    routes: ['POST /team/member_add', 'POST /team/member_update'],
    // A member has the columns of every party. Its routes take the fields that LiteLLM has for members.
    ownColumns: [...ROW, 'blocked', 'budgetId', 'metadata', 'softBudgetNanoUsd', 'budgetLimits', 'modelMaxBudget', 'maxParallelRequests'],
  },
  organization: {
    entity: Organization,
    dtos: [NewOrganizationDto, UpdateOrganizationDto],
    routes: ['POST /organization/new', 'PATCH /organization/update'],
    ownColumns: ROW,
  },
  organizationMember: {
    entity: OrganizationMember,
    dtos: [AddOrganizationMembersDto, UpdateOrganizationMemberDto],
    routes: ['POST /organization/member_add', 'PATCH /organization/member_update'],
    ownColumns: AUTHORED,
  },
  endUser: {
    entity: EndUser,
    dtos: [NewEndUserDto, UpdateEndUserDto],
    routes: ['POST /customer/new', 'POST /customer/update'],
    ownColumns: [...ROW, 'models', 'metadata'],
  },
  tag: { entity: Tag, dtos: [TagDto], routes: ['POST /tag/new', 'POST /tag/update'], ownColumns: ROW },
  tier: {
    entity: Budget,
    dtos: [NewBudgetDto, UpdateBudgetDto],
    routes: ['POST /budget/new', 'POST /budget/update'],
    ownColumns: [...AUTHORED, 'id', 'budgetAnchor', 'budgetSince', 'allowedModels'],
  },
}; // prettier-ignore

const resources = Object.entries(RESOURCES) as [keyof typeof ALL_FIELDS, Resource][];
const fieldsOf = (resource: keyof typeof ALL_FIELDS) => Object.entries<Field>(ALL_FIELDS[resource] as Fields);

/** Tells whether a DTO refuses a limiting field of LiteLLM that has no declaration. */
const isRefused = (dto: Type, name: string, declared: object) =>
  !(name in declared) && limitingFields(dto).includes(name);

function columnsOf(entity: new () => object): string[] {
  const chain: unknown[] = [];
  for (let at: object | null = entity; at && at !== Function.prototype; at = Object.getPrototypeOf(at) as object)
    chain.push(at);
  return getMetadataArgsStorage()
    .columns.filter(({ target }) => chain.includes(target))
    .map(({ propertyName }) => propertyName);
} // prettier-ignore

describe('a declared field', () => {
  it.each(resources)('of the resource %s is a field of its bodies, and no other field is', (resource, { dtos }) => {
    const declared = ALL_FIELDS[resource];
    const accepted = dtos.flatMap((dto) => [...acceptedFields(dto)].filter((name) => !isRefused(dto, name, declared)));
    const ofNewUsers = resource === 'user' ? ['sso_user_id', 'teams', 'organizations', 'auto_create_key'] : [];
    expect([...new Set([...accepted, ...ofNewUsers])].toSorted()).toEqual(Object.keys(declared).toSorted());
  }); // prettier-ignore

  it('of a new user describes the user or the key that is made with it', () => {
    const accepted = [...acceptedFields(NewUserDto)].filter((name) => !isRefused(NewUserDto, name, ALL_FIELDS.user));
    const declared = { ...ALL_FIELDS.key, ...ALL_FIELDS.user };
    expect(accepted.filter((name) => !(name in declared))).toEqual([]);
    expect(Object.keys(ALL_FIELDS.user).filter((name) => !accepted.includes(name))).toEqual([]);
  }); // prettier-ignore

  it.each(resources)('of the resource %s has the column it says, and no other column is there', (resource, { entity, ownColumns }) => {
    const columns = fieldsOf(resource).flatMap(([, { column }]) => column ?? []);
    const known = columnsOf(entity);
    expect(columns.filter((column) => !known.includes(column))).toEqual([]);
    expect(known.filter((column) => !columns.includes(column) && !ownColumns.includes(column))).toEqual([]);
  }); // prettier-ignore

  it.each(resources)('of the resource %s that is a list or is passed on says what that needs', (resource) => {
    const declared = ALL_FIELDS[resource] as Fields;
    for (const [name, { type, maxEntries, passedOn, setBy, limits }] of fieldsOf(resource)) {
      if (WIRE_TYPES[type] === 'array') expect({ name, maxEntries: maxEntries ?? 0 }).not.toMatchObject({ maxEntries: 0 });
      if (!isPassedOn(passedOn)) {
        expect(passedOn.because, name).toMatch(/\w/);
        continue;
      }
      // A field that only proxy admins set needs no comparison; all others do.
      if (passedOn.comparedIn === null) expect({ name, setBy }).toEqual({ name, setBy: 'proxyAdmin' });
      if (typeof passedOn.inherit === 'object') {
        const other = declared[passedOn.inherit.with]!.passedOn;
        expect(isPassedOn(other) && typeof other.inherit, name).toBe('function');
      }
      expect(limits || passedOn.merged === true, `${name} is compared and may be misspelled`).toBe(true);
    }
  }); // prettier-ignore
});

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
});
afterAll(() => closeAll(gateway, upstream));

interface Schema {
  readonly type?: string;
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly allOf?: readonly Schema[];
}
interface Document {
  readonly paths: Record<string, Record<string, { requestBody: { content: Record<string, { schema: Schema }> } }>>;
  readonly components: { readonly schemas: Record<string, Schema> };
} // prettier-ignore

describe('on the wire', () => {
  it('has in the OpenAPI document the type it is declared with', async () => {
    const { paths, components } = (await gateway.send('GET', '/openapi.json')).body as Document;
    const resolved = (schema: Schema): Schema =>
      schema.$ref ? components.schemas[schema.$ref.split('/').at(-1)!]! : schema;
    for (const [resource, { routes }] of resources)
      for (const route of routes) {
        const [method, path] = route.split(' ') as [string, string];
        const body = resolved(paths[path]![method.toLowerCase()]!.requestBody.content['application/json']!.schema);
        for (const [name, schema] of Object.entries(body.properties!)) {
          const { type, names } = (ALL_FIELDS[resource] as Fields)[name]!;
          // Left out: a member field takes one member or several.
          if (names === 'member') continue;
          const schemaType = schema.type ?? (schema.$ref || schema.allOf ? 'object' : 'array');
          const isInteger = schemaType === 'integer' && WIRE_TYPES[type] === 'number';
          expect({ route, name, type: isInteger ? 'number' : schemaType }).toEqual({ route, name, type: WIRE_TYPES[type] });
        }
      }
  }); // prettier-ignore

  it.each(resources)('of the resource %s is guarded against typos where it limits', async (resource, { routes }) => {
    const [method, path] = routes[0]!.split(' ') as [string, string];
    for (const [name, { limits }] of fieldsOf(resource)) {
      if (!limits) continue;
      const { status, text } = await gateway.admin(method, path, { [`${name}xx`]: 1 });
      expect({ name, status, text }).toMatchObject({ name, status: 422 });
      expect(text, name).toContain('did you mean that?');
    }
  }); // prettier-ignore

  const ownLimits = Object.values<Fields>(ALL_FIELDS).flatMap((fields) => Object.entries(fields))
    .filter(([, { own, limits }]) => own !== undefined && limits); // prettier-ignore

  it.each(resources)('of the resource %s is refused, not ignored, if it is a limit of other resources alone', async (resource, { routes }) => {
    expect(ownLimits.map(([name]) => name)).toContain('allowed_hours');
    for (const [name, { passedOn }] of ownLimits) {
      if (name in ALL_FIELDS[resource]) continue;
      for (const route of routes) {
        const [method, path] = route.split(' ') as [string, string];
        const { status, body } = await gateway.admin(method, path, { [name]: (passedOn as PassedOnLimit).examples.held });
        const fields = (body.error.details?.fields ?? []) as { field: string; message: string }[];
        expect({ route, status, fields }).toEqual({ route, status: 422, fields: expect.arrayContaining([{ field: name, message: `${name} would limit, and is not enforced here` }]) as unknown });
        expect((await gateway.admin(method, path, { [name]: null })).text, route).not.toContain(name);
      }
    }
  }); // prettier-ignore

  const manyOf = (name: string, { type }: Field, count: number): unknown => {
    const names = Array.from({ length: count }, (_, i) => `x${i}`);
    if (type === 'budgetWindows') return names.map(() => ({ budget_duration: '1d', max_budget: 1 }));
    if (name === 'members_with_roles') return names.map((user_id) => ({ role: 'user', user_id }));
    if (name === 'team_member_permissions') return names.map(() => '/key/info');
    if (WIRE_TYPES[type] === 'array') return names;
    return Object.fromEntries(names.map((model) => [model, /aliases/.test(name) ? 'm-free' : 1]));
  };

  it.each([
    ['key', '/key/generate'],
    ['team', '/team/new'],
    ['user', '/user/new'],
  ] as const)('of the resource %s holds no more entries than it says', async (resource, path) => {
    for (const [name, field] of fieldsOf(resource)) {
      if (field.maxEntries === undefined) continue;
      const { status, body } = await gateway.admin('POST', path, { [name]: manyOf(name, field, field.maxEntries + 1) });
      expect({ name, status, message: body.error?.message }).toEqual({ name, status: 422, message: expect.stringContaining(name) as string });
    }
  }); // prettier-ignore
});

type PassedOnField = Field & { readonly passedOn: PassedOnLimit };
const passedOnOf = (resource: 'key' | 'team' | 'user') =>
  fieldsOf(resource).filter((entry): entry is [string, PassedOnField] => isPassedOn(entry[1].passedOn));

/** Returns a body that holds the field, and the field that is inherited with it. */
function holding(resource: 'key' | 'team' | 'user', name: string): Record<string, unknown> {
  const { inherit, examples } = (ALL_FIELDS[resource] as Fields)[name]!.passedOn as PassedOnLimit;
  return { ...(typeof inherit === 'object' && holding(resource, inherit.with)), [name]: examples.held };
}

const keyRow = async (key: string) =>
  (await gateway.admin('GET', `/key/info?key=${key}`)).body.info as Record<string, unknown>;
const userKey = async (user_id: string, fields: object = {}) => gateway.createKey({ user_id, ...fields });
let serial = 0;

const newUser = async (fields: object = {}) => {
  const user_id = `user-${serial++}`;
  await gateway.create('/user/new', { user_id, auto_create_key: false, ...fields });
  return user_id;
};

/** Expects a refusal that names the field or the one it is compared with. */
function expectRefusal(name: string, value: unknown, { status, body, text }: Answer, { passedOn }: PassedOnField) {
  const what = `${name} ${JSON.stringify(value)}: ${status} ${text.slice(0, 200)}`;
  expect([400, 403, 422], what).toContain(status);
  if (status !== 403) return;
  const beside = typeof passedOn.inherit === 'object' ? passedOn.inherit.with : name;
  expect([name, beside, 'max_budget'], what).toContain(body.error.param);
} // prettier-ignore

/** Expects a row to show what its maker has. */
function expectKept(name: string, value: unknown, row: Record<string, unknown>, maker: Record<string, unknown>, field: PassedOnField) {
  const member = field.shownAs ?? name;
  const [shown, inherited] = [row[member], maker[member]];
  const what = `${name} ${JSON.stringify(value)}`;
  expect(inherited, what).toBeDefined();
  expect(inherited, what).not.toBeNull();
  if (!field.passedOn.merged) expect(shown, what).toEqual(inherited);
  else if (Array.isArray(inherited)) expect(shown, what).toEqual(expect.arrayContaining(inherited));
  else expect(shown, what).toMatchObject(inherited as object);
} // prettier-ignore

const triesOf = ({ examples: { wider, looser = [], within = [] } }: PassedOnLimit) => [
  ...wider,
  ...looser,
  ...(within.includes(null) ? [] : [null]),
];

describe('a limit that is passed on', () => {
  it.each(passedOnOf('key'))('%s of a key is inherited by the keys it makes', async (name, field) => {
    const maker = await userKey(await newUser(), holding('key', name));
    const { status, text, body } = await gateway.as(maker, 'POST', '/key/generate', {});
    expect(status, text).toBe(200);
    expectKept(name, undefined, await keyRow(body.key), await keyRow(maker), field);
  });

  it.each(passedOnOf('key'))('%s of a key is not widened in the keys it makes', async (name, field) => {
    const maker = await userKey(await newUser(), holding('key', name));
    const before = await keyRow(maker);
    for (const value of triesOf(field.passedOn)) {
      const answer = await gateway.as(maker, 'POST', '/key/generate', { [name]: value });
      if (answer.status !== 200) expectRefusal(name, value, answer, field);
      else expectKept(name, value, await keyRow(answer.body.key), before, field);
    }
    if (field.setBy !== 'owner') return;
    const { held, within = [] } = field.passedOn.examples;
    // A duration begins when the request arrives, so the same duration ends later.
    for (const value of [...(name === 'duration' ? [] : [held]), ...within]) {
      const { status, text } = await gateway.as(maker, 'POST', '/key/generate', { [name]: value });
      expect(status, `${name} ${JSON.stringify(value)}: ${text}`).toBe(200);
    }
  });

  it.each(passedOnOf('key'))('%s of a key is not widened by the key itself', async (name, field) => {
    const user_id = await newUser();
    for (const value of triesOf(field.passedOn)) {
      const key = await userKey(user_id, holding('key', name));
      const before = await keyRow(key);
      const answer = await gateway.as(key, 'POST', '/key/update', { key, [name]: value });
      if (answer.status !== 200) expectRefusal(name, value, answer, field);
      expectKept(name, value, await keyRow(key), before, field);
    }
  });

  it.each(passedOnOf('team'))('%s of a team is not widened in the keys of its members', async (name, field) => {
    const member = await newUser();
    const { team_id } = await gateway.create('/team/new', {
      ...holding('team', name),
      team_member_permissions: ['/key/info', '/key/generate'],
      members_with_roles: [{ role: 'user', user_id: member }],
    });
    const key = await userKey(member);
    for (const value of field.passedOn.examples.wider) {
      const answer = await gateway.as(key, 'POST', '/key/generate', { team_id, [name]: value });
      expectRefusal(name, value, answer, field);
    }
    expect((await gateway.as(key, 'POST', '/key/generate', { team_id })).status).toBe(200);
  }); // prettier-ignore

  it.each(passedOnOf('user'))('%s of a user is not widened in the keys of the user', async (name, field) => {
    const key = await userKey(await newUser(holding('user', name)));
    for (const value of field.passedOn.examples.wider) {
      const answer = await gateway.as(key, 'POST', '/key/generate', { [name]: value });
      expectRefusal(name, value, answer, field);
    }
    expect((await gateway.as(key, 'POST', '/key/generate', {})).status).toBe(200);
  });
});
