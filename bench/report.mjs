// Writes results, and the machine they were measured on, to `bench/results/`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

export const machine = `${cpus().length} × ${cpus()[0].model.trim()}, Node ${process.version}`;

export const table = (columns, rows) =>
  [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

export function write(file, text) {
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, file), text);
  if (file.endsWith('.md')) console.log(text);
}
