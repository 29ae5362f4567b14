import { AuditEntryRepository } from './audit-entry.repository.js';
import { Injectable } from '@nestjs/common';
import { MissingRowException } from '../http/missing-row.exception.js';
import type { SelectQueryBuilder } from 'typeorm';
import { DAY_MS } from '../platform/clock.js';
import { Database } from '../database/database.js';
import { pageInfo } from '../http/page-info.dto.js';
import { sqlOrder } from '../http/sort-order.js';
import { keyHashOf } from '../platform/secrets.js';
import { AuditEntry } from './audit-entry.entity.js';
import type { AuditLog, AuditLogPage, AuditQuery } from './audit.dto.js';

const COLUMN = {
  updated_at: 'a.at',
  changed_by: 'a.changedBy',
  action: 'a.action',
  table_name: 'a.tableName',
  object_id: 'a.objectId',
} as const;

const KEYS = 'LiteLLM_VerificationToken';
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Reads the audit log for admins. */
@Injectable()
export class AuditLogService {
  constructor(
    private readonly database: Database,
    private readonly entries: AuditEntryRepository,
  ) {}

  /** Returns a page of matching entries, newest first by default. */
  async list(query: AuditQuery): Promise<AuditLogPage> {
    const { page = 1, page_size = 10, sort_by = 'updated_at', sort_order = 'desc' } = query;
    const order = sqlOrder(sort_order);
    const [entries, total] = await this.database.read((manager) =>
      applyFilters(this.entries.in(manager).createQueryBuilder('a'), query)
        .orderBy(COLUMN[sort_by], order)
        .addOrderBy('a.id', order)
        .take(page_size)
        .skip((page - 1) * page_size)
        .getManyAndCount(),
    );
    return { audit_logs: entries.map(auditLog), ...pageInfo(total, { page, page_size }) };
  }

  /** Returns one entry. Throws 404 if it does not exist. */
  async info(id: string): Promise<AuditLog> {
    const entry = await this.database.read((manager) => this.entries.in(manager).findOneBy({ id }));
    if (!entry) throw new MissingRowException({ message: `Audit log with ID ${id} not found`, param: 'id' });
    return auditLog(entry);
  }
}

function applyFilters(
  entries: SelectQueryBuilder<AuditEntry>,
  query: AuditQuery,
): SelectQueryBuilder<AuditEntry> {
  const { object_key_hash: objectKey, changed_by_api_key: key, start_date: start, end_date: end } = query;
  const where = (condition: string, values: object, value: unknown) => {
    if (value !== undefined) entries.andWhere(condition, values);
  };
  where('a.changedBy = :by', { by: query.changed_by }, query.changed_by);
  where('a.keyHash = :key', { key: keyHashOf(key ?? '') }, key);
  where('a.action = :action', { action: query.action }, query.action);
  where('a.tableName = :table', { table: query.table_name }, query.table_name);
  where('a.objectId = :object', { object: query.object_id }, query.object_id);
  where('a.teamId = :team', { team: query.object_team_id }, query.object_team_id);
  where(
    'a.tableName = :keys AND a.objectId = :objectKey',
    { keys: KEYS, objectKey: keyHashOf(objectKey ?? '') },
    objectKey,
  );
  where('a.requestId = :request', { request: query.request_id }, query.request_id);
  where('a.at >= :start', { start: start && Date.parse(start) }, start);
  where('a.at < :end', { end: end && endOf(end) }, end);
  return entries;
}

/** Returns the end of the range, exclusive. */
const endOf = (text: string) => Date.parse(text) + (DAY.test(text) ? DAY_MS : 1);

const auditLog = ({ at, keyHash, ...entry }: AuditEntry): AuditLog => ({
  id: entry.id,
  updated_at: at.toISOString(),
  changed_by: entry.changedBy,
  changed_by_api_key: keyHash ?? '',
  request_id: entry.requestId,
  client_address: entry.clientAddress,
  action: entry.action,
  table_name: entry.tableName,
  object_id: entry.objectId,
  before_value: entry.beforeValue,
  updated_values: entry.updatedValues,
});
