import type { OtherRows } from './litellm-database.js';

/** Result for the rows of one of LiteLLM's tables. */
export class TableReport {
  imports = 0;
  /** Number of rows that existed already and were left unchanged. */
  there = 0;
  readonly changed: string[] = [];
  readonly left: string[] = [];

  constructor(readonly table: string) {}
}

/** Result of an import, for a person to read. */
export class ImportReport {
  readonly tables: TableReport[] = [];
  /** Number of amounts that were finer than a nano-dollar. */
  rounded = 0;
  /** Tables that are not imported: their number of rows and, except for history, the ids of the rows. */
  readonly others: ({ readonly table: string } & OtherRows)[] = [];
  /** True if every table was processed. */
  isFinished = false;

  constructor(readonly isDry: boolean) {}

  of(table: string): TableReport {
    const report = new TableReport(table);
    this.tables.push(report);
    return report;
  }

  /** True if every row was imported or existed already. */
  get isComplete(): boolean {
    return this.isFinished && this.tables.every(({ left }) => !left.length);
  }

  lines(): string[] {
    const { rounded, tables, others } = this;
    const listed = (title: string, rows: (report: TableReport) => readonly string[]) => {
      const all = tables.flatMap((report) => rows(report).map((row) => `  ${report.table} ${row}`));
      return all.length ? ['', title, ...all] : [];
    };
    return [
      '',
      heading(this),
      ...tables.map(
        ({ table, imports, there, changed, left }) =>
          `  ${table}: ${imports} taken (${new Set(changed.map(idOf)).size} of them changed), ${there} there already, ${left.length} left`,
      ),
      ...(rounded ? [`  ${rounded} amounts were rounded to the nearest nano-dollar ($0.000000001).`] : []),
      ...listed('Changed on the way:', ({ changed }) => changed),
      ...listed('Left, because:', ({ left }) => left),
      ...(others.length ? ['', 'Nothing is taken from these:'] : []),
      ...others.map(
        ({ table, rows, ids, why }) =>
          `  ${table}: ${rows === undefined ? `cannot be read: ${why}` : `${rows} rows`}${ids.length ? `: ${ids.join(', ')}` : ''}`,
      ),
    ].map(printable);
  }
}

function heading({ isDry, isFinished }: ImportReport): string {
  if (isDry)
    return `A dry run: nothing was written. ${isFinished ? 'It would be:' : 'It ended early; until then it would be:'}`;
  return isFinished
    ? 'Done:'
    : 'It ended early. Until then, what was taken stays; run it again for the rest:';
}

/**
 * Escapes control characters and line breaks, because names in the imported database could move the cursor or start a line.
 */
const printable = (line: string) =>
  line.replace(
    /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );

/** Returns the quoted id of the row, with which a line begins. */
const idOf = (line: string) => line.slice(0, line.indexOf('": ') + 1);
