-- Closes open entries of replicas that died: those whose replica has no row in replicas.
--
-- Inputs
--   p_rule         what an abandoned call is billed (`abandoned_holds`): `bound`, all it held; `input`, its prompt; else 0
--   p_most         the most entries to close; the caller calls again while that many were closed
-- Output: how many entries were closed.
--
-- Lock order: 1. the entries, by id, without those another replica has locked; 2. the locks of tollgate_settle.
--
-- Promise: an entry is closed once, with the mark `abandoned`. If its replica was only asleep, its own settlement later
-- writes a correcting entry.
CREATE OR REPLACE FUNCTION tollgate_abandon(p_rule text, p_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  entries jsonb;
BEGIN
  SELECT jsonb_agg(jsonb_build_object(
      'id', dead.id,
      'state', 'settled',
      'mark', 'abandoned',
      'cost', CASE p_rule
        WHEN 'bound' THEN dead.bound_nano_usd
        WHEN 'input' THEN dead.input_bound_nano_usd
        ELSE 0
      END))
    INTO entries
    FROM (
      SELECT e.id, e.bound_nano_usd, e.input_bound_nano_usd
      FROM ledger_entries e
      WHERE e.state = 'open' AND NOT EXISTS (SELECT 1 FROM replicas r WHERE r.id = e.replica_id)
      ORDER BY e.id
      LIMIT p_most
      FOR UPDATE OF e SKIP LOCKED
    ) AS dead;
  IF entries IS NULL THEN RETURN 0; END IF;

  PERFORM tollgate_settle(entries);
  RETURN jsonb_array_length(entries);
END $$;
