import type { Type } from '@nestjs/common';
import { getMetadataArgsStorage } from 'typeorm';
import { describe, expect, it } from 'vitest';
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
import { type Field, type Fields, isPassedOn, WIRE_TYPES } from '../../src/parties/fields/field.js';
import { Tag } from '../../src/parties/entities/tag.entity.js';
import { TagDto } from '../../src/tags/tags.dto.js';
import { Member } from '../../src/parties/entities/team-member.entity.js';
import { Team } from '../../src/parties/entities/team.entity.js';
import { AddMembersDto, NewTeamDto, UpdateMemberDto, UpdateTeamDto } from '../../src/teams/teams.dto.js';
import { User } from '../../src/parties/entities/user.entity.js';
import { NewUserDto, UpdateUserDto } from '../../src/users/users.dto.js';

/** Proves of every declared field what its declaration says: against the DTOs and the tables. */

interface Resource {
  readonly entity: new () => object;
  readonly dtos: readonly Type[];
  /** The routes whose bodies the DTOs are, for the OpenAPI document. */
  readonly routes: readonly string[];
  /** Columns that the gateway writes by itself. */
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
    // A member has the columns of every party; its routes take the fields that LiteLLM has for members.
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

/** Fields of LiteLLM that would limit and that a DTO refuses, without a declaration. */
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
      // What only proxy admins set needs no comparison; all others do.
      if (passedOn.comparedIn === null) expect({ name, setBy }).toEqual({ name, setBy: 'proxyAdmin' });
      if (typeof passedOn.inherit === 'object') {
        const other = declared[passedOn.inherit.with]!.passedOn;
        expect(isPassedOn(other) && typeof other.inherit, name).toBe('function');
      }
      expect(limits || passedOn.merged === true, `${name} is compared and may be misspelled`).toBe(true);
    }
  }); // prettier-ignore
});
