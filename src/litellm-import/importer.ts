import { ConflictException, HttpException, Inject, Injectable } from '@nestjs/common';
import { EntityNotFoundError, QueryFailedError } from 'typeorm';
import { newId } from '../platform/new-id.js';
import { runAsActor } from '../platform/audit-context.js';
import { RowCache } from '../cache/row-cache.js';
import { UnbindableError } from '../database/bindable.js';
import { Database, type Write } from '../database/database.js';
import { ModelsService } from '../models/models.service.js';

import type { ImportReport, TableReport } from './import-report.js';
import type { ImportWarnings } from './import-warnings.js';
import { type LitellmDatabase, type LitellmRow, InvalidInstantError } from './litellm-database.js';
import { IMPORTER } from './restore-row.js';
import { SkippedRowError } from './skipped-row.error.js';
import { SkippedRows } from './skipped-rows.js';
import { queryOf, type TableImporter } from './table-importers/table-importer.js';
import { TABLE_IMPORTERS } from './table-importers/table-importers.js';

/** Tables with history. The report does not list the ids of their rows. */
const HISTORY =
  /Daily|Deleted|Log|Health|Cron|Notification|Invitation|Managed|SpendLogs|_prisma|DeprecatedVerificationToken/;
/** Tables whose rows are read together with those of another table. */
const READ_ALONG = new Set([
  'LiteLLM_ModelTable',
  'LiteLLM_DeprecatedVerificationToken',
  'LiteLLM_ObjectPermissionTable',
]);

/** One run of the import, over all tables. */
interface ImportRun {
  readonly write: Write;
  readonly report: ImportReport;
  readonly skipped: SkippedRows;
}

/** Imports a LiteLLM database. Leaves existing rows unchanged, so an import can be repeated. */
@Injectable()
export class Importer {
  constructor(
    private readonly database: Database,
    private readonly cache: RowCache,
    private readonly models: ModelsService,
    @Inject(TABLE_IMPORTERS) private readonly tableImporters: readonly TableImporter[],
  ) {}

  /**
   * Runs the import and fills the report. A dry run does the same and rolls back. Rejects if one of the databases fails or
   * `stop` is aborted. A row that cannot be imported is in the report.
   */
  async run(
    litellm: LitellmDatabase,
    report: ImportReport,
    say: (line: string) => void,
    stop: AbortSignal,
  ): Promise<void> {
    const { isDry } = report;
    const all = (write: Write) => this.everything(litellm, write, report, say, stop);
    const { started, end } = runAsActor({ id: IMPORTER, requestId: newId() }, () =>
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
    const skipped = new SkippedRows();
    for (const importer of this.tableImporters.filter(({ table }) => litellm.has(table)))
      await this.table(litellm, importer, { write, report, skipped }, say, stop);
    const known = new Set([...this.tableImporters.map(({ table }) => table), ...READ_ALONG]);
    for (const table of litellm.tableNames.filter((name) => !known.has(name))) {
      const found = await litellm.rowsOf(table, !HISTORY.test(table));
      if (found.rows !== 0) report.others.push({ table, ...found });
    }
  }

  private async table(
    litellm: LitellmDatabase,
    importer: TableImporter,
    run: ImportRun,
    say: (line: string) => void,
    stop: AbortSignal,
  ): Promise<void> {
    const { table } = importer;
    const query = queryOf(importer, litellm);
    const tableReport = run.report.of(table);
    const total = await litellm.count(query);
    let done = 0;
    for await (const rows of litellm.batches(query)) {
      for (const row of rows) {
        if (stop.aborted) throw new Error('The import was stopped.');
        await this.row(importer, row, run, tableReport);
      }
      done += rows.length;
      say(`${table}: ${done} of ${total}`);
    }
  }

  /**
   * Imports one row in a transaction of its own. If another row here has one of its names, the row is imported without that
   * name.
   */
  private async row(
    importer: TableImporter,
    row: LitellmRow,
    run: ImportRun,
    tableReport: TableReport,
    withoutNames: readonly string[] = [],
  ): Promise<void> {
    const { write, report, skipped } = run;
    const id = JSON.stringify(idOf(importer, row));
    const changed = withoutNames.map((name) => `${id}: ${name}: is another's here already, so it has none`);
    let rounded = 0;
    const warnings = {
      changed: (what: string) => void changed.push(`${id}: ${what}`),
      rounded: () => void rounded++,
    };
    try {
      const keys = await write(async (tx) => {
        const touched = await importer.import(tx, readable(row, warnings), { warnings, skipped });
        if (touched !== 'exists' && !report.isDry) this.cache.willChange(tx, touched);
        return touched;
      });
      if (keys === 'exists') {
        tableReport.there++;
        return;
      }
      tableReport.imports++;
      tableReport.changed.push(...changed);
      report.rounded += rounded;
      if (!report.isDry) await this.cache.evict(keys);
    } catch (error) {
      if (!isAboutTheRow(error)) throw error;
      const name = takenName(error);
      if (name && row[name])
        return this.row(importer, { ...row, [name]: null }, run, tableReport, [...withoutNames, name]);
      importer.noteSkipped?.(row, skipped);
      tableReport.left.push(`${id}: ${error.message}`);
    }
  }
}

/** Returns the id of a row for the report, also if the id cannot be read. */
function idOf(importer: TableImporter, row: LitellmRow): string {
  try {
    return importer.idOf(row);
  } catch {
    return '(without an id)';
  }
}

/** Columns whose instants are imported. */
const KEPT_INSTANTS = ['created_at', 'updated_at', 'budget_reset_at', 'expires', 'last_rotation_at'];

/**
 * Returns the row with its invalid instants replaced. An infinite expiry becomes null. A former secret with an invalid end
 * is dropped. Throws SkippedRowError for any other invalid instant that would be imported.
 */
function readable(row: LitellmRow, warnings: ImportWarnings): LitellmRow {
  const odd = Object.entries(row).filter(
    (entry): entry is [string, InvalidInstantError] => entry[1] instanceof InvalidInstantError,
  );
  if (!odd.length) return row;
  const read: Record<string, unknown> = { ...row };
  for (const [column, { text }] of odd) {
    read[column] = text;
    if (column === 'expires' && text === 'infinity') {
      read.expires = null;
      warnings.changed('expires: never, as infinity is no instant here');
    } else if (column === 'former_ends_at') {
      read.former_token = null;
      warnings.changed(`the secret before: ends ${text}, which is no instant here, so it is not taken`);
    } else if (KEPT_INSTANTS.includes(column)) {
      throw new SkippedRowError(`${column}: ${text} is no instant that can be kept here`);
    }
  }
  return read;
}

/** Returns the name that another row has already, if a row can be imported without it. */
const takenName = (error: Error) =>
  ['key_alias', 'user_email', 'sso_user_id'].find(
    (name) =>
      error instanceof ConflictException && (error.getResponse() as { param?: string }).param === name,
  );

/** Tells whether an error is about this row and not about a database. */
const isAboutTheRow = (error: unknown): error is Error =>
  error instanceof SkippedRowError ||
  (error instanceof HttpException && error.getStatus() < 500) ||
  error instanceof TypeError ||
  error instanceof RangeError ||
  error instanceof SyntaxError ||
  error instanceof EntityNotFoundError ||
  (error instanceof QueryFailedError && ABOUT_VALUES.test(codeOf(error)));

/** Error codes of PostgreSQL (by class) and SQLite for values, constraints and conflicts, not for a failing database. */
const ABOUT_VALUES = /^(?:(?:0A|2[123]|4[024]|5[45]|P0)|SQLITE_(?:ERROR|CONSTRAINT|TOOBIG|MISMATCH|RANGE))/;

const codeOf = (error: QueryFailedError): string => {
  const { code } = error as { code?: unknown };
  if (error.driverError instanceof UnbindableError) return 'SQLITE_MISMATCH';
  return typeof code === 'string' ? code : '';
};
