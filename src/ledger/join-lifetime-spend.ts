import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import type { PartyKind } from '../policy/facts.js';
import { LIFETIME } from './account.js';
import { Account } from './account.entity.js';

/** Joins the lifetime account of each party, as `a`. A party without calls has none. */
export const joinLifetimeSpend = <T extends ObjectLiteral>(select: SelectQueryBuilder<T>, kind: PartyKind) =>
  select.leftJoin(Account, 'a', `a.id = '${kind}/' || ${select.alias}.id || '/${LIFETIME}/0'`);
