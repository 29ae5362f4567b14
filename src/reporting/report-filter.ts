import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import {
  administeredOrganizations,
  type Principal,
  seesEverything,
  teamsWhere,
} from '../policy/principal.js';
import { keyHashOf } from '../platform/secrets.js';

/** Whose calls a report is about. */
export interface ReportFilter {
  /** A key or its hash. */
  readonly api_key?: string;
  readonly user_id?: string;
  readonly team_id?: string;
  readonly end_user?: string;
  /** Somebody's of this kind: of these, if any, and of none of those. */
  readonly of?: {
    readonly kind: keyof typeof OWNER;
    readonly only?: readonly string[] | undefined;
    readonly except?: readonly string[] | undefined;
    /** As `only`, where these are almost all. */
    readonly among?: readonly string[] | undefined;
  };
}

const OWNER = { team: 'c.teamId', organization: 'c.organizationId', endUser: 'c.endUserId' } as const;

/** What a query names, separated by commas. */
export const named = (text: string | undefined) => text?.split(',').map((name) => name.trim());

/** Of whom: by their chains (alias `c`), which are few. */
export function applyToChains<T extends ObjectLiteral>(
  select: SelectQueryBuilder<T>,
  { api_key, user_id, team_id, end_user, of }: ReportFilter,
): SelectQueryBuilder<T> {
  const where = (condition: string, values: object, given: unknown) => {
    if (given !== undefined) select.andWhere(condition, values);
  };
  where(`(c.keyHash = :keyHash OR ${ofKey})`, { keyHash: keyHashOf(api_key ?? '') }, api_key);
  where('c.userId = :userId', { userId: user_id }, user_id);
  where('c.teamId = :teamId', { teamId: team_id }, team_id);
  where('c.endUserId = :endUser', { endUser: end_user }, end_user);
  if (of) where(`${OWNER[of.kind]} IN (:...only)`, { only: of.only }, of.only);
  return select;
}

/** Of somebody of the kind, of those it is among, and of none that is excepted (alias `c`): almost all are, so it is asked of each call. */
export function hasFilter<T extends ObjectLiteral>(
  select: SelectQueryBuilder<T>,
  { of }: ReportFilter,
): SelectQueryBuilder<T> {
  if (!of) return select;
  if (of.among) select.andWhere(`${OWNER[of.kind]} IN (:...among)`, { among: of.among });
  if (of.except) select.andWhere(`${OWNER[of.kind]} NOT IN (:...except)`, { except: of.except });
  return select.andWhere(`${OWNER[of.kind]} IS NOT NULL`);
}

/** Billed to the key that has this hash now, whatever its secret was then. */
const ofKey = `c.id IN (SELECT p.chain_id FROM postings p JOIN virtual_keys k ON p.account_id = 'key/' || k.id || '/endless/0' WHERE k.secret_hash = :keyHash)`;

/** A caller's own, and those of the teams and organizations whose spending they may see: alias `c` again. */
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
      // An empty list is no SQL; nobody's id is empty.
      theirTeams: ['', ...teamsWhere(caller, permission)],
      theirOrganizations: ['', ...administeredOrganizations(caller)],
    },
  );
}
