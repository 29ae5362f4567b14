import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { dataFolderWarnings, markDataFolder } from './data-folder-warnings.js';

let folder: string;
let copy: string;
const cleanups: (() => void)[] = [];
const newFolder = () => {
  const path = mkdtempSync(join(tmpdir(), 'tollgate-'));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

/** A database with all rows in the write-ahead log, as after a killed process. `copy` is its folder. */
beforeEach(() => {
  folder = newFolder();
  copy = newFolder();
  const file = new Libsql(join(folder, 'tollgate.db'));
  file.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (x)');
  for (let i = 0; i < 50; i++) file.exec(`INSERT INTO t VALUES (zeroblob(3000))`);
  for (const name of ['tollgate.db', 'tollgate.db-wal']) copyFileSync(join(folder, name), join(copy, name));
  cleanups.push(() => file.close());
});
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

const wal = () => join(copy, 'tollgate.db-wal');
function damaged(at: number): void {
  const bytes = readFileSync(wal());
  bytes[at] = bytes[at]! ^ 0xff;
  writeFileSync(wal(), bytes);
}

it('finds nothing odd about a folder that is new, or that a process was killed in', () => {
  expect(dataFolderWarnings(newFolder())).toEqual([]);
  expect(dataFolderWarnings(copy)).toEqual([]);
  // The last transaction is incomplete.
  writeFileSync(wal(), readFileSync(wal()).subarray(0, -1_000));
  expect(dataFolderWarnings(copy)).toEqual([]);
});

it('tells of a log that SQLite does not read, or not to its end', () => {
  damaged(32 + 24 + 4096 + 24 + 100);
  expect(dataFolderWarnings(copy)).toEqual([expect.stringContaining('damaged at frame 2')]);
  damaged(20);
  expect(dataFolderWarnings(copy)).toEqual([expect.stringContaining('damaged header')]);
  writeFileSync(wal(), Buffer.alloc(8_192, 7));
  expect(dataFolderWarnings(copy)).toEqual([expect.stringContaining('not a write-ahead log')]);
});

it('tells of a database that was copied without its log, and of one that is gone', () => {
  rmSync(wal());
  expect(dataFolderWarnings(copy)).toEqual([expect.stringContaining('copy that was made without it')]);
  markDataFolder(copy, new Date('2026-11-30T12:00:00Z'));
  rmSync(join(copy, 'tollgate.db'));
  expect(dataFolderWarnings(copy)).toEqual([
    expect.stringContaining('had a database, made 2026-11-30T12:00:00.000Z, and has none now'),
  ]);
});
