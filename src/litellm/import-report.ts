/** What became of the rows of one of LiteLLM's tables. */
export class TableReport {
  taken = 0;
  /** Were there already, and were left alone. */
  there = 0;
  readonly changed: string[] = [];
  readonly left: string[] = [];

  constructor(readonly table: string) {}
}

/** What an import did, for a person to read. */
export class ImportReport {
  readonly tables: TableReport[] = [];
  /** Amounts with digits finer than a nano-dollar. */
  rounded = 0;
  /** Tables nothing is taken from: how many rows, and of those that are no history which. */
  readonly others: { readonly table: string; readonly rows: number; readonly ids: readonly string[] }[] = [];

  constructor(readonly isDry: boolean) {}

  of(table: string): TableReport {
    const report = new TableReport(table);
    this.tables.push(report);
    return report;
  }

  /** Was every row taken, or there already? */
  get isComplete(): boolean {
    return this.tables.every(({ left }) => !left.length);
  }

  lines(): string[] {
    const { isDry, rounded, tables, others } = this;
    const listed = (title: string, rows: (report: TableReport) => readonly string[]) => {
      const all = tables.flatMap((report) => rows(report).map((row) => `  ${report.table} ${row}`));
      return all.length ? ['', title, ...all] : [];
    };
    return [
      '',
      isDry ? 'A dry run: nothing was written. It would be:' : 'Done:',
      ...tables.map(
        ({ table, taken, there, changed, left }) =>
          `  ${table}: ${taken} taken (${new Set(changed.map(idOf)).size} of them changed), ${there} there already, ${left.length} left`,
      ),
      ...(rounded ? [`  ${rounded} amounts were rounded to the nearest nano-dollar ($0.000000001).`] : []),
      ...listed('Changed on the way:', ({ changed }) => changed),
      ...listed('Left, because:', ({ left }) => left),
      ...(others.length ? ['', 'Nothing is taken from these:'] : []),
      ...others.map(
        ({ table, rows, ids }) => `  ${table}: ${rows} rows${ids.length ? `: ${ids.join(', ')}` : ''}`,
      ),
    ];
  }
}

/** A line begins with the id of its row, quoted. */
const idOf = (line: string) => line.slice(0, line.indexOf('": ') + 1);
