import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const HOLD_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

const ENTRY_KINDS = ['settled', 'released', 'estimated', 'unconfirmed', 'failed', 'overrun', 'abandoned', 'provider_bill', 'unread_counts'] as const; // prettier-ignore
const CACHE_RESULTS = ['hit', 'miss'] as const;
const QUEUE_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const SHED_REASONS = ['parallel_requests', 'event_loop_delay', 'upstream_queue'] as const;
/** The limit of this process that had no room for a call. */
export type ShedReason = (typeof SHED_REASONS)[number];

/** The Prometheus metrics of this process. Labels never contain a key, an id or text of a client. */
@Injectable()
export class Metrics {
  readonly registry = new Registry();

  /** Requests the policy refused, by the check that denied them. */
  readonly refused = this.counter('tollgate_refused_total', 'Requests refused, by check', ['check']);
  /** Calls refused because this process had too much to do. */
  readonly shed = this.counter('tollgate_shed_total', 'Calls refused under load, by reason', ['reason']);
  /** Closed ledger entries, by `settled`, `released` or their mark. */
  readonly entries = this.counter('tollgate_ledger_entries_total', 'Ledger entries closed, by kind', [
    'kind',
  ]);
  readonly settledUsd = this.counter('tollgate_settled_usd_total', 'US dollars settled', []);
  readonly clamped = this.counter('tollgate_clamped_total', 'Calls forwarded with a lower output limit', []);
  readonly cacheReads = this.counter('tollgate_cache_reads_total', 'Reads of cached rows, by result', [
    'result',
  ]);
  readonly holdSeconds = new Histogram({
    name: 'tollgate_hold_seconds',
    help: 'From asking for a hold to its open entry being committed, waiting included',
    buckets: HOLD_SECONDS,
    registers: [this.registry],
  });
  readonly queueSeconds = new Histogram({
    name: 'tollgate_upstream_queue_seconds',
    help: 'How long calls waited for a connection to their upstream, of those that had to wait',
    buckets: QUEUE_SECONDS,
    registers: [this.registry],
  });
  readonly queuedLong = this.counter(
    'tollgate_upstream_queue_slow_total',
    'Calls that waited more than a second for a connection to their upstream',
    [],
  );

  constructor() {
    // Prometheus's `increase()` misses the first event of a series that starts with it.
    for (const kind of ENTRY_KINDS) this.entries.inc({ kind }, 0);
    for (const result of CACHE_RESULTS) this.cacheReads.inc({ result }, 0);
    for (const reason of SHED_REASONS) this.shed.inc({ reason }, 0);
    collectDefaultMetrics({ register: this.registry, prefix: 'tollgate_' });
  }

  /** Registers a gauge that is computed on each scrape. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  private counter<T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }
}
