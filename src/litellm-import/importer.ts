import { ConflictException, HttpException, Injectable } from '@nestjs/common';
import { EntityNotFoundError, QueryFailedError } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { runAsActor } from '../platform/audit-context.js';
import { RowCache } from '../cache/row-cache.js';
import { UnbindableError } from '../database/bindable.js';
import { Database, type Write } from '../database/database.js';
import { ModelsService } from '../models/models.service.js';
import type { ImportWarnings } from './admin-body.js';
import type { ImportReport, TableReport } from './import-report.js';
import { type LitellmDatabase, type LitellmRow, InvalidInstantError } from './litellm-database.js';
import { IMPORTER } from './restore-row.js';
import { type TableImporter, TableImporters } from './table-importers.js';
import { SkippedRowError } from './skipped-row.error.js';

/** Tables of what happened: nobody looks for their rows one by one. */
const HISTORY =
  /Daily|Deleted|Log|Health|Cron|Notification|Invitation|Managed|SpendLogs|_prisma|DeprecatedVerificationToken/;
/** Tables whose rows are read with those of another. */
const READ_ALONG = new Set([
  'LiteLLM_ModelTable',
  'LiteLLM_DeprecatedVerificationToken',
  'LiteLLM_ObjectPermissionTable',
]);

/** Takes over what a LiteLLM database knows. What is there already is left alone, so it may be done again. */
@Injectable()
export class Importer {
  constructor(
    private readonly database: Database,
    private readonly cache: RowCache,
    private readonly models: ModelsService,
    private readonly sources: TableImporters,
  ) {}

  /**
   * Fills the report. A dry run does all of it and keeps nothing. Rejects when one of the databases fails or `stop` is
   * aborted; a row that cannot be taken is in the report.
   */
  async run(
    litellm: LitellmDatabase,
    report: ImportReport,
    say: (line: string) => void,
    stop: AbortSignal,
  ): Promise<void> {
    const { isDry } = report;
    const all = (write: Write) => this.everything(litellm, write, report, say, stop);
    const { started, end } = runAsActor({ id: IMPORTER, requestId: uuidv7() }, () =>
      isDry ? this.database.dryRun(all) : all((work) => this.database.write(work)),
    );
    await started.finally(end);
    if (!isDry) await this.models.changed();
    report.isFinished = true;
  }

  private async everything(
    litellm: LitellmDatabase,
    write: Write,
    report: ImportReport,
    say: (line: string) => void,
    stop: AbortSignal,
  ): Promise<void> {
    const sources = this.sources.of(litellm);
    for (const source of sources.filter(({ table }) => litellm.has(table)))
      await this.table(litellm, source, write, report, say, stop);
    const known = new Set([...sources.map(({ table }) => table), ...READ_ALONG]);
    for (const table of litellm.tableNames.filter((name) => !known.has(name))) {
      const found = await litellm.rowsOf(table, !HISTORY.test(table));
      if (found.rows !== 0) report.others.push({ table, ...found });
    }
  }

  private async table(
    litellm: LitellmDatabase,
    source: TableImporter,
    write: Write,
    report: ImportReport,
    say: (line: string) => void,
    stop: AbortSignal,
  ): Promise<void> {
    const { table, query } = source;
    const told = report.of(table);
    const total = await litellm.count(query);
    let done = 0;
    for await (const rows of litellm.batches(query)) {
      for (const row of rows) {
        if (stop.aborted) throw new Error('The import was stopped.');
        await this.row(source, row, write, told, report);
      }
      done += rows.length;
      say(`${table}: ${done} of ${total}`);
    }
  }

  /** One row, in a transaction of its own. A name somebody else has here is not worth losing the row for. */
  private async row(
    source: TableImporter,
    row: LitellmRow,
    write: Write,
    told: TableReport,
    report: ImportReport,
    withoutNames: readonly string[] = [],
  ): Promise<void> {
    const id = JSON.stringify(idOf(source, row));
    const changed = withoutNames.map((name) => `${id}: ${name}: is another's here already, so it has none`);
    let rounded = 0;
    const remarks = {
      changed: (what: string) => void changed.push(`${id}: ${what}`),
      rounded: () => void rounded++,
    };
    try {
      const keys = await write(async (tx) => {
        const touched = await source.take(tx, readable(row, remarks), remarks);
        if (touched !== 'there' && !report.isDry) this.cache.willChange(tx, touched);
        return touched;
      });
      if (keys === 'there') {
        told.there++;
        return;
      }
      told.taken++;
      told.changed.push(...changed);
      report.rounded += rounded;
      if (!report.isDry) await this.cache.evict(keys);
    } catch (error) {
      if (!isAboutTheRow(error)) throw error;
      const name = takenName(error);
      if (name && row[name])
        return this.row(source, { ...row, [name]: null }, write, told, report, [...withoutNames, name]);
      source.left?.(row);
      told.left.push(`${id}: ${error.message}`);
    }
  }
}

/** A row whose id cannot even be read is named so. */
function idOf(source: TableImporter, row: LitellmRow): string {
  try {
    return source.idOf(row);
  } catch {
    return '(without an id)';
  }
}

/** Instants that are kept here. */
const KEPT_INSTANTS = ['created_at', 'updated_at', 'budget_reset_at', 'expires', 'last_rotation_at'];

/** The row with instants that are `Date`s. One that never comes ends nothing; any other odd one is not guessed at. */
function readable(row: LitellmRow, remarks: ImportWarnings): LitellmRow {
  const odd = Object.entries(row).filter(
    (entry): entry is [string, InvalidInstantError] => entry[1] instanceof InvalidInstantError,
  );
  if (!odd.length) return row;
  const read: Record<string, unknown> = { ...row };
  for (const [column, { text }] of odd) {
    read[column] = text;
    if (column === 'expires' && text === 'infinity') {
      read.expires = null;
      remarks.changed('expires: never, as infinity is no instant here');
    } else if (column === 'former_ends_at') {
      read.former_token = null;
      remarks.changed(`the secret before: ends ${text}, which is no instant here, so it is not taken`);
    } else if (KEPT_INSTANTS.includes(column)) {
      throw new SkippedRowError(`${column}: ${text} is no instant that can be kept here`);
    }
  }
  return read;
}

/** Names that only tell who is meant. */
const takenName = (error: Error) =>
  ['key_alias', 'user_email', 'sso_user_id'].find(
    (name) =>
      error instanceof ConflictException && (error.getResponse() as { param?: string }).param === name,
  );

/** Is something wrong with this row, and not with a database? */
const isAboutTheRow = (error: unknown): error is Error =>
  error instanceof SkippedRowError ||
  (error instanceof HttpException && error.getStatus() < 500) ||
  error instanceof TypeError ||
  error instanceof RangeError ||
  error instanceof SyntaxError ||
  error instanceof EntityNotFoundError ||
  (error instanceof QueryFailedError && ABOUT_VALUES.test(codeOf(error)));

/** What PostgreSQL (by class) and SQLite say of values, constraints and conflicts, rather than of themselves. */
const ABOUT_VALUES = /^(?:(?:0A|2[123]|4[024]|5[45]|P0)|SQLITE_(?:ERROR|CONSTRAINT|TOOBIG|MISMATCH|RANGE))/;

const codeOf = (error: QueryFailedError): string => {
  const { code } = error as { code?: unknown };
  if (error.driverError instanceof UnbindableError) return 'SQLITE_MISMATCH';
  return typeof code === 'string' ? code : '';
};
