/**
 * Numbers of all advisory locks that Tollgate uses on PostgreSQL, in one place so that none is used twice. SQL
 * functions in `sql/` use the same names (`counting_lock`). A number never changes: replicas of two versions must
 * exclude each other, too.
 */
export const ADVISORY_LOCKS = {
  /** Held by each process while it uses the database: exclusively, or shared if it has a Redis. */
  process: '8390043843661231205',
  /** Held by a process while it takes or renews a lease on the database. */
  leasing: '8390043843661231210',
  /** Held shared by each statement that moves money, and exclusively while accounts begin to count holds. */
  counting: '8390043843661231206',
  /** Held by the replica that folds deltas into balances. */
  folding: '8390043843661231207',
  /** Held by the replica that folds old entries of the ledger into sums per day. */
  retention: '8390043843661231208',
  /** Held by the replica that adds up entries for reports. */
  activitySums: '8390043843661231209',
  /** Held by the replica that deletes old entries of the audit log. */
  auditRetention: '418380605812',
} as const;

export type AdvisoryLock = keyof typeof ADVISORY_LOCKS;
