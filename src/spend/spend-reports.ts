import { Inject, Injectable } from '@nestjs/common';
import type { SelectQueryBuilder } from 'typeorm';
import { CLOCK, type Clock } from '../clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { MAX_PAGE_SIZE, pageOf } from '../http/page.js';
import {
  administeredOrganizations,
  type Authority,
  seesEverything,
  teamsWhere,
} from '../policy/authority.js';
import { nanoUsd, type NanoUsd, usdFromNanoUsd } from '../policy/money.js';
import { keyHashOf } from '../secrets.js';
import { endlessAccount, GLOBAL_ID } from './account.js';
import { Accounts } from './accounts.js';
import { Chain } from './chain.entity.js';
import { LedgerEntry } from './ledger-entry.entity.js';
import type { SpendLogQuery, SpendTagsQuery } from './spend.dto.js';

/** What the calls that carried one tag cost. */
export interface TagSpend {
  readonly name: string;
  readonly calls: number;
  readonly spend: number;
}

/** Without days a report by tag is about so many. */
const LATELY_DAYS = 30;

/** Reads the ledger for people. */
@Injectable()
export class SpendReports {
  constructor(
    private readonly database: Database,
    private readonly accounts: Accounts,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Closed entries that match and concern the caller, newest first, bounded. */
  async logs(query: SpendLogQuery, caller: Authority): Promise<object[]> {
    const { take, skip } = pageOf(query);
    const rows = await this.database.read((manager) =>
      visible(matching(manager.createQueryBuilder(LedgerEntry, 'e'), query), caller)
        .innerJoinAndMapOne('e.chain', Chain, 'c', 'c.id = e.chainId')
        .andWhere("e.state <> 'open'")
        .orderBy('e.id', 'DESC')
        .take(take)
        .skip(skip)
        .getMany(),
    );
    return (rows as (LedgerEntry & { chain: Chain })[]).map(logRow);
  }

  /**
   * What calls that concern the caller cost, by tag, dearest first, bounded; a call with two tags counts for both. Of
   * `only` these, if any.
   */
  async byTag(query: SpendTagsQuery, caller: Authority, only?: readonly string[]): Promise<TagSpend[]> {
    const { isPostgres } = this.database;
    const each = isPostgres
      ? 'jsonb_array_elements_text(e.tags::jsonb) AS t(value)'
      : 'json_each(e.tags) AS t';
    const rows = await this.database.read<{ name: string; calls: unknown; spent: string }[]>((manager) => {
      const tagged = visible(
        matching(manager.createQueryBuilder(LedgerEntry, 'e'), this.lately(query)),
        caller,
      )
        .innerJoin(Chain, 'c', 'c.id = e.chainId')
        .select('e.requestTags', 'tags')
        .addSelect('e.costNanoUsd', 'cost')
        .andWhere("e.requestTags IS NOT NULL AND e.state <> 'open'");
      const [sql, parameters] = tagged.getQueryAndParameters();
      const wanted = isPostgres
        ? `SELECT jsonb_array_elements_text($${parameters.length + 1}::jsonb)`
        : 'SELECT value FROM json_each(?)';
      return manager.query(
        `SELECT t.value AS name, count(*) AS calls, CAST(sum(e.cost) AS text) AS spent FROM (${sql}) AS e, ${each}
         ${only ? `WHERE t.value IN (${wanted})` : ''}
         GROUP BY t.value ORDER BY sum(e.cost) DESC, t.value LIMIT ${MAX_PAGE_SIZE}`,
        only ? [...parameters, JSON.stringify(only)] : parameters,
      );
    });
    return rows.map(({ name, calls, spent }) => ({
      name,
      calls: Number(calls),
      spend: usdFromNanoUsd(nanoUsd(BigInt(spent))),
    }));
  }

  private lately(query: SpendTagsQuery): SpendTagsQuery {
    if (query.start_date !== undefined || query.end_date !== undefined) return query;
    const start = new Date(this.clock().getTime() - LATELY_DAYS * DAY_MS);
    return { start_date: start.toISOString().slice(0, 10) };
  }

  /** Everything this proxy ever spent, and its budget. */
  async global(): Promise<{ spend: number; max_budget: number | null }> {
    const account = endlessAccount('global', GLOBAL_ID);
    const spent = await this.accounts.spentOn([account]);
    return {
      spend: usdFromNanoUsd(nanoUsd(spent.get(account.id) ?? 0n)),
      max_budget: this.config.litellm.maxBudgetUsd ?? null,
    };
  }
}

function matching(
  entries: SelectQueryBuilder<LedgerEntry>,
  query: SpendLogQuery,
): SelectQueryBuilder<LedgerEntry> {
  const { api_key, user_id, team_id, end_user, request_id, start_date, end_date } = query;
  const where = (condition: string, values: object, given: unknown) => {
    if (given !== undefined) entries.andWhere(condition, values);
  };
  where(`(c.keyHash = :keyHash OR ${ofKey})`, { keyHash: keyHashOf(api_key ?? '') }, api_key);
  where('c.userId = :userId', { userId: user_id }, user_id);
  where('c.teamId = :teamId', { teamId: team_id }, team_id);
  where('c.endUserId = :endUser', { endUser: end_user }, end_user);
  where('(e.requestId = :requestId OR e.id = :requestId)', { requestId: request_id }, request_id);
  where('e.openedAt >= :from', { from: start_date && Date.parse(`${start_date}T00:00:00Z`) }, start_date);
  where('e.openedAt < :to', { to: end_date && Date.parse(`${end_date}T00:00:00Z`) + DAY_MS }, end_date);
  return entries;
}

/** Billed to the key that has this hash now, whatever its secret was then. */
const ofKey = `c.id IN (SELECT p.chain_id FROM postings p JOIN virtual_keys k ON p.account_id = 'key/' || k.id || '/endless/0' WHERE k.secret_hash = :keyHash)`;

/** A caller's own, and those of the teams and organizations whose spending they may see. */
function visible(
  entries: SelectQueryBuilder<LedgerEntry>,
  caller: Authority,
): SelectQueryBuilder<LedgerEntry> {
  if (seesEverything(caller)) return entries;
  return entries.andWhere(
    '(c.userId = :themself OR c.teamId IN (:...theirTeams) OR c.organizationId IN (:...theirOrganizations))',
    {
      themself: caller.userId,
      // An empty list is no SQL; nobody's id is empty.
      theirTeams: ['', ...teamsWhere(caller, '/spend/logs')],
      theirOrganizations: ['', ...administeredOrganizations(caller)],
    },
  );
}

const DAY_MS = 86_400_000;

function logRow({ chain, ...entry }: LedgerEntry & { chain: Chain }): object {
  const { inputTokens = 0, outputTokens = 0 } = entry.usage ?? {};
  return {
    request_id: entry.requestId,
    litellm_call_id: entry.id,
    call_type: entry.callType,
    api_key: chain.keyHash ?? '',
    spend: usdFromNanoUsd(entry.costNanoUsd as NanoUsd),
    total_tokens: inputTokens + outputTokens,
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    startTime: entry.openedAt.toISOString(),
    endTime: entry.closedAt?.toISOString() ?? null,
    model: entry.model,
    model_id: entry.deploymentId,
    model_group: entry.model,
    custom_llm_provider: entry.provider,
    user: chain.userId ?? '',
    team_id: chain.teamId,
    organization_id: chain.organizationId,
    end_user: chain.endUserId,
    request_tags: entry.requestTags ?? [],
    status: entry.state === 'released' ? 'failure' : 'success',
    metadata: { user_api_key_alias: chain.keyAlias, usage_object: entry.usage, mark: entry.mark },
  };
}
