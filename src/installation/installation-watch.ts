import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database } from '../database/database.js';
import { Redis, redisScript } from '../redis/redis.js';
import { PeriodicTask } from '../platform/periodic-task.js';
import { Installation } from './installation.js';

const INTERVAL_MS = 1_000;
/** A process that was not seen in Redis for this long is dropped. */
const SEEN_MS = 10_000;
/** The most processes that are compared. */
const MAX_PROCESSES = 200;
/** The number of successive rounds with foreign processes before a warning. */
const MIN_FOREIGN_ROUNDS = 2;
const WARN_AGAIN_MS = 600_000;
const PROCESS_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Records this process and returns the seen processes with their times. KEYS: the set. ARGV: id, lifetime, maximum.
 */
const MEET_SCRIPT = redisScript(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then redis.call('DEL', KEYS[1]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[3]) - 1, 'REV', 'WITHSCORES')`);

/**
 * Warns if two databases have the same installation id on one Redis, because one is a copy of the other. Every
 * process records itself in Redis once a second. A process in Redis that this process's database has not seen since
 * this process started uses another database.
 */
@Injectable()
export class InstallationWatch implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(InstallationWatch.name);
  /** When other processes were last seen, by Redis's clock. */
  private lastSeen: ReadonlyMap<string, string> = new Map();
  private foreignRounds = 0;
  private warnedAt = -Infinity;
  // Other parts of the process report an unreachable Redis or database.
  private readonly task = new PeriodicTask(
    () => this.runOnce(),
    () => undefined,
  );

  constructor(
    private readonly redis: Redis,
    private readonly database: Database,
    private readonly installation: Installation,
  ) {}

  onApplicationBootstrap(): void {
    if (this.redis.isConfigured) this.task.start(INTERVAL_MS);
  }

  onApplicationShutdown(): Promise<void> {
    return this.task.stop();
  }

  private async runOnce(): Promise<void> {
    const known = await this.known([...this.lastSeen.keys()]);
    // This process is not recorded yet, so no process could know it.
    if (!known) return;
    const seen = await this.readProcesses();
    const foreign = [...seen].filter(
      ([id, at]) => this.lastSeen.has(id) && this.lastSeen.get(id) !== at && !known.has(id),
    );
    this.lastSeen = seen;
    this.foreignRounds = foreign.length ? this.foreignRounds + 1 : 0;
    if (this.foreignRounds >= MIN_FOREIGN_ROUNDS) this.warn();
  }

  /** Returns the processes that use this database. Undefined if this process is not recorded there yet. */
  private async known(ids: readonly string[]): Promise<ReadonlySet<string> | undefined> {
    // A data folder belongs to one process.
    if (!this.database.isPostgres) return new Set();
    const rows = await this.database.read<{ id: string | null }[]>((manager) =>
      manager.query(
        `SELECT r.id FROM replicas me LEFT JOIN replicas r ON r.id = ANY($2) AND r.seen_at > me.started_at
         WHERE me.id = $1`,
        [this.installation.processId, ids],
      ),
    );
    return rows.length ? new Set(rows.flatMap(({ id }) => id ?? [])) : undefined;
  }

  private async readProcesses(): Promise<ReadonlyMap<string, string>> {
    const { processId } = this.installation;
    const key = this.installation.inRedis('processes');
    const reply: unknown = await this.redis.run(
      MEET_SCRIPT,
      [key],
      [processId, String(SEEN_MS), String(MAX_PROCESSES)],
    );
    const seen = new Map<string, string>();
    if (!Array.isArray(reply)) return seen;
    for (let i = 0; i < reply.length; i += 2) {
      const id = String(reply[i]);
      if (id !== processId && PROCESS_ID.test(id)) seen.set(id, String(reply[i + 1]));
    }
    return seen;
  }

  private warn(): void {
    const now = performance.now();
    if (now - this.warnedAt < WARN_AGAIN_MS) return;
    this.warnedAt = now;
    this.logger.warn(
      `Two databases answer to the installation id ${this.installation.id} on this Redis: one is a copy of the other. ` +
        'Stop the processes of the copy, run `tollgate new-installation` on it, and start them again.',
    );
  }
}
