import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import type { PartyKind } from '../policy/facts.js';
import { LIFETIME } from './account.js';
import { Account } from './account.entity.js';

/** Joins to rows of parties, as `a`, the account of what each has spent in all. One that was never billed has none. */
export const joinLifetimeSpend = <T extends ObjectLiteral>(select: SelectQueryBuilder<T>, kind: PartyKind) =>
  select.leftJoin(Account, 'a', `a.id = '${kind}/' || ${select.alias}.id || '/${LIFETIME}/0'`);
