import type { MigrationInterface, QueryRunner } from 'typeorm';

const INDICES = [
  ['ix_ledger_entries_answer', '(answer_id) WHERE answer_id IS NOT NULL'],
  ['ix_ledger_entries_session', '(session_id, opened_at) WHERE session_id IS NOT NULL'],
  ['ix_ledger_entries_trace', '(trace_id, opened_at) WHERE trace_id IS NOT NULL'],
] as const;

/**
 * Indexes the ids by which calls are looked up. PostgreSQL builds them without a lock and outside a transaction: other
 * replicas serve calls meanwhile. What a broken run left is built again.
 */
export class CallOriginIndices1766400000001 implements MigrationInterface {
  name = 'CallOriginIndices1766400000001';
  transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    const concurrently = runner.connection.options.type === 'postgres' ? 'CONCURRENTLY' : '';
    for (const [name, what] of INDICES) {
      await runner.query(`DROP INDEX ${concurrently} IF EXISTS ${name}`);
      await runner.query(`CREATE INDEX ${concurrently} ${name} ON ledger_entries ${what}`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const [name] of INDICES) await runner.query(`DROP INDEX IF EXISTS ${name}`);
  }
}
