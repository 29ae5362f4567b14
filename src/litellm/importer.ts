import { ConflictException, HttpException, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { actAs } from '../acting.js';
import { RowCache } from '../cache/row-cache.js';
import { Database, type Write } from '../database/database.js';
import { ModelsService } from '../models/models.service.js';
import { ImportReport, type TableReport } from './import-report.js';
import { LitellmDatabase, type LitellmRow } from './litellm-database.js';
import { IMPORTER } from './restored.js';
import { type Source, Sources } from './sources.js';
import { UntakenRow } from './untaken-row.js';

/** Tables of what happened: nobody looks for their rows one by one. */
const HISTORY =
  /Daily|Deleted|Log|Health|Cron|Notification|Invitation|Managed|SpendLogs|_prisma|DeprecatedVerificationToken/;
/** Tables whose rows are read with those of another. */
const READ_ALONG = new Set(['LiteLLM_ModelTable', 'LiteLLM_DeprecatedVerificationToken']);

/** Takes over what a LiteLLM database knows. What is there already is left alone, so it may be done again. */
@Injectable()
export class Importer {
  constructor(
    private readonly database: Database,
    private readonly cache: RowCache,
    private readonly models: ModelsService,
    private readonly sources: Sources,
  ) {}

  /** A dry run does all of it and keeps nothing. Rejects only when one of the databases fails; a row that cannot be taken is in the report. */
  async run(litellm: LitellmDatabase, isDry: boolean, say: (line: string) => void): Promise<ImportReport> {
    const report = new ImportReport(isDry);
    const all = (write: Write) => this.everything(litellm, write, report, say);
    const { started, end } = actAs({ id: IMPORTER, requestId: uuidv7() }, () =>
      isDry ? this.database.rehearse(all) : all((work) => this.database.write(work)),
    );
    await started.finally(end);
    if (!isDry) await this.models.changed();
    return report;
  }

  private async everything(
    litellm: LitellmDatabase,
    write: Write,
    report: ImportReport,
    say: (line: string) => void,
  ): Promise<void> {
    const sources = this.sources.of(litellm);
    for (const source of sources.filter(({ table }) => litellm.has(table)))
      await this.table(litellm, source, write, report, say);
    const known = new Set([...sources.map(({ table }) => table), ...READ_ALONG]);
    for (const table of litellm.tableNames.filter((name) => !known.has(name))) {
      const rows = await litellm.count(`"${table}"`);
      const ids = HISTORY.test(table) ? [] : await litellm.ids(table);
      if (rows) report.others.push({ table, rows, ids });
    }
  }

  private async table(
    litellm: LitellmDatabase,
    source: Source,
    write: Write,
    report: ImportReport,
    say: (line: string) => void,
  ): Promise<void> {
    const { table, query } = source;
    const told = report.of(table);
    const total = await litellm.count(`(${query}) AS rows`);
    let done = 0;
    for await (const rows of litellm.batches(query)) {
      for (const row of rows) await this.row(source, row, write, told, report);
      done += rows.length;
      say(`${table}: ${done} of ${total}`);
    }
  }

  /** One row, in a transaction of its own. A name somebody else has here is not worth losing the row for. */
  private async row(
    source: Source,
    row: LitellmRow,
    write: Write,
    told: TableReport,
    report: ImportReport,
    withoutNames: readonly string[] = [],
  ): Promise<void> {
    const id = JSON.stringify(source.idOf(row));
    const changed = withoutNames.map((name) => `${id}: ${name}: is another's here already, so it has none`);
    let rounded = 0;
    const remarks = {
      changed: (what: string) => void changed.push(`${id}: ${what}`),
      rounded: () => void rounded++,
    };
    try {
      const keys = await write(async (tx) => {
        const touched = await source.take(tx, row, remarks);
        if (touched !== 'there' && !report.isDry) await this.cache.willChange(tx, touched);
        return touched;
      });
      if (keys === 'there') {
        told.there++;
        return;
      }
      if (!report.isDry) await this.cache.evict(keys);
      told.taken++;
      told.changed.push(...changed);
      report.rounded += rounded;
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

/** Names that only tell who is meant. */
const takenName = (error: Error) =>
  ['key_alias', 'user_email'].find(
    (name) =>
      error instanceof ConflictException && (error.getResponse() as { param?: string }).param === name,
  );

/** Everything else is wrong with a database, or with us. */
const isAboutTheRow = (error: unknown): error is Error =>
  error instanceof UntakenRow || (error instanceof HttpException && error.getStatus() < 500);
