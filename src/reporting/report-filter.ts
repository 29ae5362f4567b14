import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import {
  administeredOrganizations,
  type Principal,
  seesEverything,
  teamsWhere,
} from '../policy/principal.js';
import { keyHashOf } from '../platform/secrets.js';

/** The parties whose calls a report includes. */
export interface ReportFilter {
  /** A key or its hash. */
  readonly api_key?: string;
  readonly user_id?: string;
  readonly team_id?: string;
  readonly end_user?: string;
  /** Only calls that have an owner of this kind: one of `only`, and none of `except`. */
  readonly owner?: {
    readonly kind: keyof typeof OWNER;
    readonly only?: readonly string[] | undefined;
    readonly except?: readonly string[] | undefined;
    /** Like `only`, for lists that contain almost all owners. */
    readonly among?: readonly string[] | undefined;
  };
}

const OWNER = { team: 'c.teamId', organization: 'c.organizationId', endUser: 'c.endUserId' } as const;

/** Splits a list of names at its commas. */
export const namesIn = (text: string | undefined) => text?.split(',').map((name) => name.trim());

/** Filters by the chains of the calls (alias `c`), which are few. */
export function applyToChains<T extends ObjectLiteral>(
  select: SelectQueryBuilder<T>,
  { api_key, user_id, team_id, end_user, owner }: ReportFilter,
): SelectQueryBuilder<T> {
  const where = (condition: string, values: object, value: unknown) => {
    if (value !== undefined) select.andWhere(condition, values);
  };
  where(`(c.keyHash = :keyHash OR ${BILLED_TO_KEY})`, { keyHash: keyHashOf(api_key ?? '') }, api_key);
  where('c.userId = :userId', { userId: user_id }, user_id);
  where('c.teamId = :teamId', { teamId: team_id }, team_id);
  where('c.endUserId = :endUser', { endUser: end_user }, end_user);
  if (owner) where(`${OWNER[owner.kind]} IN (:...only)`, { only: owner.only }, owner.only);
  return select;
}

/** Filters the calls by owner (alias `c` is the chain). Almost all calls match, so each call is tested. */
export function applyToCalls<T extends ObjectLiteral>(
  select: SelectQueryBuilder<T>,
  { owner }: ReportFilter,
): SelectQueryBuilder<T> {
  if (!owner) return select;
  if (owner.among) select.andWhere(`${OWNER[owner.kind]} IN (:...among)`, { among: owner.among });
  if (owner.except) select.andWhere(`${OWNER[owner.kind]} NOT IN (:...except)`, { except: owner.except });
  return select.andWhere(`${OWNER[owner.kind]} IS NOT NULL`);
}

/** SQL: billed to the key that has this hash now, also if its secret was another one then. */
const BILLED_TO_KEY = `c.id IN (SELECT p.chain_id FROM postings p JOIN virtual_keys k ON p.account_id = 'key/' || k.id || '/endless/0' WHERE k.secret_hash = :keyHash)`;

/** Limits calls to the caller's own and those of teams and organizations they may see (alias `c` again). */
export function visibleChains<T extends ObjectLiteral>(
  select: SelectQueryBuilder<T>,
  caller: Principal,
  permission = '/spend/logs',
): SelectQueryBuilder<T> {
  if (seesEverything(caller)) return select;
  return select.andWhere(
    '(c.userId = :themself OR c.teamId IN (:...theirTeams) OR c.organizationId IN (:...theirOrganizations))',
    {
      themself: caller.userId,
      // SQL allows no empty list, and no id is empty.
      theirTeams: ['', ...teamsWhere(caller, permission)],
      theirOrganizations: ['', ...administeredOrganizations(caller)],
    },
  );
}
