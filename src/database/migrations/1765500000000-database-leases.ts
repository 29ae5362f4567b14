import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

const NAME = 'database_leases';
/** The lock of processes that need no pooler: a session has it. */
const SESSION_LOCK = '8390043843661231205';
/** One process after the other takes a lease. */
const LEASING = '8390043843661231208';
const NOW_MS = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;

/**
 * Takes or renews the lease of a process. False: somebody else uses the database, through a pooler or not, and one of the
 * two wants it alone.
 */
const LEASE = `
CREATE FUNCTION tollgate_lease(p_id text, p_alone boolean, p_lease_ms bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(${LEASING});
  IF p_alone THEN
    IF NOT pg_try_advisory_xact_lock(${SESSION_LOCK}) THEN RETURN false; END IF;
  ELSIF NOT pg_try_advisory_xact_lock_shared(${SESSION_LOCK}) THEN
    RETURN false;
  END IF;
  DELETE FROM database_leases WHERE valid_until < ${NOW_MS} AND id <> p_id;
  IF EXISTS (SELECT 1 FROM database_leases WHERE id <> p_id AND (p_alone OR alone)) THEN RETURN false; END IF;
  INSERT INTO database_leases (id, alone, valid_until) VALUES (p_id, p_alone, ${NOW_MS} + p_lease_ms)
    ON CONFLICT (id) DO UPDATE SET valid_until = excluded.valid_until;
  RETURN true;
END $$`;

/** Behind a pooler no session belongs to a process, so none can have a lock: a lease takes its place. */
export class DatabaseLeases1765500000000 implements MigrationInterface {
  name = 'DatabaseLeases1765500000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: NAME,
        columns: [
          { name: 'id', type: 'varchar', length: '36', isPrimary: true },
          { name: 'alone', type: 'boolean' },
          { name: 'valid_until', type: 'bigint' },
        ],
      }),
    );
    if (runner.connection.options.type === 'postgres') await runner.query(LEASE);
  }

  async down(runner: QueryRunner): Promise<void> {
    if (runner.connection.options.type === 'postgres')
      await runner.query('DROP FUNCTION tollgate_lease(text, boolean, bigint)');
    await runner.dropTable(NAME);
  }
}
