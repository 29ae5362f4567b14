-- Adds rows of account_deltas to the balances of their accounts, and deletes them. Every replica calls this once a second.
--
-- Input: p_most, the most rows to add up.
-- Output: true when a balance changed; false also while another replica folds.
--
-- Lock order: 1. the folding lock, exclusive, without waiting; 2. the counting lock, shared; 3. deltas; 4. their accounts,
-- which count no holds: tollgate_hold and tollgate_settle never lock them.
--
-- Promise: each delta counts once. `spent` never passes the largest bigint.
CREATE OR REPLACE FUNCTION tollgate_fold(p_most integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  counting_lock CONSTANT bigint := 8390043843661231206;
  folding_lock CONSTANT bigint := 8390043843661231207;
  max_bigint CONSTANT bigint := 9223372036854775807;
BEGIN
  IF NOT pg_try_advisory_xact_lock(folding_lock) THEN RETURN false; END IF;
  PERFORM pg_advisory_xact_lock_shared(counting_lock);

  WITH gone AS (
    DELETE FROM account_deltas
    WHERE id IN (SELECT id FROM account_deltas LIMIT p_most)
    RETURNING account_id, amount_nano_usd
  ), sums AS (
    SELECT account_id, sum(amount_nano_usd) AS amount
    FROM gone
    GROUP BY account_id
  )
  UPDATE accounts a
  SET spent_nano_usd = least(a.spent_nano_usd + sums.amount, max_bigint)
  FROM sums
  WHERE a.id = sums.account_id;
  RETURN FOUND;
END $$;
