import { readFileSync } from 'node:fs';
import type { TableRow, TableRows } from './table-row.js';

const NEWLINE = 0x0a;

/**
 * The table of the release. It stays in memory as bytes: a row is a line, and is parsed when somebody asks for it. The file is
 * read when the first name is asked for.
 */
class ShippedTable implements TableRows {
  private bytes: Buffer | undefined;
  /** Offsets of the rows, by its name in small letters. */
  private readonly lines = new Map<string, number>();

  row(name: string): TableRow | undefined {
    const bytes = this.load();
    const start = this.lines.get(name.toLowerCase());
    return start === undefined ? undefined : rowAt(bytes, start)[1];
  }

  /** Returns all names with their rows. Parses the whole table, so it is for lists only. */
  *rows(): Generator<readonly [name: string, row: TableRow]> {
    const bytes = this.load();
    for (const start of this.lines.values()) yield rowAt(bytes, start);
  }

  private load(): Buffer {
    if (this.bytes) return this.bytes;
    const bytes = readFileSync(new URL('table.json', import.meta.url));
    // The first line opens the object, and the last one closes it.
    for (let start = bytes.indexOf(NEWLINE) + 1; bytes[start] === QUOTE;) {
      const end = bytes.indexOf(NAME_END, start + 1);
      this.lines.set(bytes.toString('utf8', start + 1, end).toLowerCase(), start);
      start = bytes.indexOf(NEWLINE, end) + 1;
    }
    this.bytes = bytes;
    return bytes;
  }
}

const QUOTE = 0x22;
const NAME_END = '":{';

function rowAt(bytes: Buffer, start: number): readonly [string, TableRow] {
  const line = bytes.toString('utf8', start, bytes.indexOf(NEWLINE, start)).replace(/,$/, '');
  const [entry] = Object.entries(JSON.parse(`{${line}}`) as Record<string, TableRow>);
  return entry!;
}

export const shippedTable = new ShippedTable();
