import { closeSync, existsSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const DATABASE = 'tollgate.db';
const WAL = 'tollgate.db-wal';
/** The file that says when a database was created in this folder. */
const MARK = 'database-made';

const MAX_READ_BYTES = 256 * 1024 * 1024;
const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const WAL_MAGIC = 0x377f0682;

/**
 * Returns warnings about the SQLite files of a data folder, for the operator. Call it before the database is opened:
 * SQLite silently creates missing files and skips data it cannot read.
 */
export function dataFolderWarnings(folder: string): string[] {
  const database = join(folder, DATABASE);
  const wal = join(folder, WAL);
  const madeAt = markOf(folder);
  if (!existsSync(database)) {
    if (madeAt === undefined) return [];
    return [
      `The data folder ${folder} had a database, made ${madeAt}, and has none now: a new one is made, without keys and without spending. If the old one was moved, stop, and put ${DATABASE} back, with ${WAL} if there is one.`,
    ];
  }
  const walBytes = existsSync(wal) ? statSync(wal).size : 0;
  if (!walBytes) return isEmpty(database) ? [emptyDatabase(database)] : [];
  const damage = damageOf(wal, walBytes);
  return damage === undefined ? [] : [`${wal} ${damage} What was written there since is missing. Restore a backup, or go on without it.`]; // prettier-ignore
}

/** Records that this folder has a database. */
export function markDataFolder(folder: string, now: Date): void {
  if (markOf(folder) === undefined)
    writeFileSync(join(folder, MARK), `${now.toISOString()}\n`, { mode: 0o600 });
}

const emptyDatabase = (database: string) =>
  `${database} is there, but has no tables, and there is no ${WAL} beside it: it looks like a copy that was made without it. A new database is made, without keys and without spending. Copy both files, or use SQLite's .backup.`;

function markOf(folder: string): string | undefined {
  const file = join(folder, MARK);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

/**
 * Returns true if the file has no tables. Page 1, after the file's header of 100 bytes, is then a leaf without cells.
 */
function isEmpty(database: string): boolean {
  const page = firstBytes(database, 105);
  return page.length < 105 || page.readUInt16BE(103) === 0;
}

/** Returns the damage of a write-ahead log. Undefined if SQLite reads all that was committed to it. */
function damageOf(wal: string, size: number): string | undefined {
  const bytes = firstBytes(wal, Math.min(size, MAX_READ_BYTES));
  if (bytes.length < WAL_HEADER_BYTES) return 'is too short to be a write-ahead log.';
  const magic = bytes.readUInt32BE(0);
  if ((magic & ~1) >>> 0 !== WAL_MAGIC) return 'is not a write-ahead log.';
  const sum = new WalChecksum(bytes, (magic & 1) === 1);
  sum.add(0, 24);
  if (!sum.is(24)) return 'has a damaged header, so SQLite reads nothing of it.';
  const frameBytes = FRAME_HEADER_BYTES + bytes.readUInt32BE(8);
  let damagedFrame: number | undefined;
  for (let at = WAL_HEADER_BYTES, frame = 1; at + frameBytes <= bytes.length; at += frameBytes, frame++) {
    // Frames of an earlier cycle follow: this log ends here.
    if (bytes.compare(bytes, 16, 24, at + 8, at + 16) !== 0) return undefined;
    if (damagedFrame === undefined) {
      sum.add(at, 8);
      sum.add(at + FRAME_HEADER_BYTES, frameBytes - FRAME_HEADER_BYTES);
      if (!sum.is(at + 16)) damagedFrame = frame;
    }
    // Frames that were never committed are no loss. Frames before a commit are.
    const isCommit = bytes.readUInt32BE(at + 4) !== 0;
    if (damagedFrame !== undefined && isCommit) return `is damaged at frame ${damagedFrame}, and SQLite reads it only up to there.`; // prettier-ignore
  }
  return undefined;
}

/** The running checksum of a write-ahead log, as defined by SQLite's file format. */
class WalChecksum {
  private s0 = 0;
  private s1 = 0;

  constructor(
    private readonly bytes: Buffer,
    private readonly isBigEndian: boolean,
  ) {}

  add(at: number, length: number): void {
    for (let i = at; i < at + length; i += 8) {
      this.s0 = (this.s0 + this.word(i) + this.s1) >>> 0;
      this.s1 = (this.s1 + this.word(i + 4) + this.s0) >>> 0;
    }
  }

  /** Returns true if the log has this checksum at `at`. */
  is(at: number): boolean {
    return this.bytes.readUInt32BE(at) === this.s0 && this.bytes.readUInt32BE(at + 4) === this.s1;
  }

  private word(at: number): number {
    return this.isBigEndian ? this.bytes.readUInt32BE(at) : this.bytes.readUInt32LE(at);
  }
}

function firstBytes(path: string, count: number): Buffer {
  const bytes = Buffer.alloc(count);
  const file = openSync(path, 'r');
  try {
    return bytes.subarray(0, readSync(file, bytes, 0, count, 0));
  } finally {
    closeSync(file);
  }
}
