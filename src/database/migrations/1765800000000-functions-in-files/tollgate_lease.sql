-- Takes or renews the lease of a process on the database. A process behind a pooler has no session that could keep a lock:
-- its lease is a row that it renews every second (database/database-lock.ts).
--
-- Inputs
--   p_id           id of the process
--   p_alone        true: no other process may use the database (no Redis is configured)
--   p_lease_ms     how long the lease is valid, by the clock of the database
-- Output: true when the process has the lease. False: another process uses the database, through a pooler or not, and one
-- of the two wants it alone.
--
-- Lock order: 1. the leasing lock, exclusive: one process after the other; 2. the process lock, exclusive (alone) or
-- shared, without waiting: a process without a pooler keeps it for its session; 3. rows of database_leases.
--
-- Promise: a process that wants the database alone and any other process never both have it. Renewing changes nothing but
-- the time.
CREATE OR REPLACE FUNCTION tollgate_lease(p_id text, p_alone boolean, p_lease_ms bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  process_lock CONSTANT bigint := 8390043843661231205;
  leasing_lock CONSTANT bigint := 8390043843661231210;
BEGIN
  PERFORM pg_advisory_xact_lock(leasing_lock);
  IF p_alone THEN
    IF NOT pg_try_advisory_xact_lock(process_lock) THEN RETURN false; END IF;
  ELSIF NOT pg_try_advisory_xact_lock_shared(process_lock) THEN
    RETURN false;
  END IF;

  DELETE FROM database_leases
    WHERE valid_until < (extract(epoch FROM clock_timestamp()) * 1000)::bigint AND id <> p_id;
  IF EXISTS (SELECT 1 FROM database_leases WHERE id <> p_id AND (p_alone OR alone)) THEN RETURN false; END IF;

  INSERT INTO database_leases (id, alone, valid_until)
    VALUES (p_id, p_alone, (extract(epoch FROM clock_timestamp()) * 1000)::bigint + p_lease_ms)
    ON CONFLICT (id) DO UPDATE SET valid_until = excluded.valid_until;
  RETURN true;
END $$;
