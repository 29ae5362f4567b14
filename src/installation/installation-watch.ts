import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database } from '../database/database.js';
import { Redis, redisScript } from '../redis/redis.js';
import { PeriodicTask } from '../platform/periodic-task.js';
import { Installation } from './installation.js';

const ROUND_MS = 1_000;
/** A process that was not seen in Redis for so long is left out. */
const SEEN_MS = 10_000;
/** As many processes are looked at. */
const MOST = 200;
/** A process counts as a stranger when it was one in so many rounds, one after the other. */
const ROUNDS_TO_BE_SURE = 2;
const TELL_AGAIN_MS = 600_000;
const PROCESS_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Notes that the process lives, and answers which ones were seen, each with when. KEYS: the set. ARGV: id, how long it is kept, most. */
const MEET = redisScript(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then redis.call('DEL', KEYS[1]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[3]) - 1, 'REV', 'WITHSCORES')`);

/**
 * Warns when two databases answer to one id on one Redis: one of them is a copy of the other. Every process notes once a
 * second in Redis that it lives. Whoever lives there but was not seen by this process's database since this process
 * started belongs to another database.
 */
@Injectable()
export class InstallationWatch implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(InstallationWatch.name);
  /** When the others were last seen in Redis, by its clock. */
  private lastSeen: ReadonlyMap<string, string> = new Map();
  private roundsWithStrangers = 0;
  private toldAt = -Infinity;
  // A Redis or a database that does not answer is told by those who need it.
  private readonly task = new PeriodicTask(
    () => this.round(),
    () => undefined,
  );

  constructor(
    private readonly redis: Redis,
    private readonly database: Database,
    private readonly installation: Installation,
  ) {}

  onApplicationBootstrap(): void {
    if (this.redis.isConfigured) this.task.start(ROUND_MS);
  }

  onApplicationShutdown(): Promise<void> {
    return this.task.stop();
  }

  private async round(): Promise<void> {
    const known = await this.known([...this.lastSeen.keys()]);
    // This process itself is not seen: nobody could know it.
    if (!known) return;
    const seen = await this.meet();
    const strangers = [...seen].filter(
      ([id, at]) => this.lastSeen.has(id) && this.lastSeen.get(id) !== at && !known.has(id),
    );
    this.lastSeen = seen;
    this.roundsWithStrangers = strangers.length ? this.roundsWithStrangers + 1 : 0;
    if (this.roundsWithStrangers >= ROUNDS_TO_BE_SURE) this.tell();
  }

  /** Reads which of these processes use this database; undefined when this one is not noted there yet. */
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

  private async meet(): Promise<ReadonlyMap<string, string>> {
    const { processId } = this.installation;
    const key = this.installation.inRedis('processes');
    const told: unknown = await this.redis.run(MEET, [key], [processId, String(SEEN_MS), String(MOST)]);
    const seen = new Map<string, string>();
    if (!Array.isArray(told)) return seen;
    for (let i = 0; i < told.length; i += 2) {
      const id = String(told[i]);
      if (id !== processId && PROCESS_ID.test(id)) seen.set(id, String(told[i + 1]));
    }
    return seen;
  }

  private tell(): void {
    const now = performance.now();
    if (now - this.toldAt < TELL_AGAIN_MS) return;
    this.toldAt = now;
    this.logger.warn(
      `Two databases answer to the installation id ${this.installation.id} on this Redis: one is a copy of the other. ` +
        'Stop the processes of the copy, run `tollgate new-installation` on it, and start them again.',
    );
  }
}
