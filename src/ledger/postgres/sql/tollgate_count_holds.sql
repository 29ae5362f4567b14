-- Makes accounts count what is held on them. An account without a limit counts no holds (held_nano_usd is null); this
-- is called when it gets its first limit.
--
-- Input: p_accounts, the ids of the accounts. One that counts holds already stays as it is.
--
-- Lock order: 1. the counting lock, exclusive: hold, settle and fold take it shared, so none of them runs meanwhile;
-- 2. deltas; 3. the accounts.
--
-- Promise: afterwards `spent` has every settled cost and `held` the bound of every open entry, exactly.
CREATE OR REPLACE FUNCTION tollgate_count_holds(p_accounts text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  counting_lock CONSTANT bigint := 8390043843661231206;
  max_bigint CONSTANT bigint := 9223372036854775807;
BEGIN
  PERFORM pg_advisory_xact_lock(counting_lock);

  WITH gone AS (
    DELETE FROM account_deltas
    WHERE account_id = ANY (p_accounts)
    RETURNING account_id, amount_nano_usd
  ), sums AS (
    SELECT account_id, sum(amount_nano_usd) AS amount
    FROM gone
    GROUP BY account_id
  )
  UPDATE accounts a
  SET spent_nano_usd = least(
      a.spent_nano_usd + coalesce((SELECT amount FROM sums WHERE sums.account_id = a.id), 0), max_bigint),
    held_nano_usd = (
      SELECT coalesce(sum(e.bound_nano_usd), 0)
      FROM ledger_entries e
      JOIN postings p ON p.chain_id = e.chain_id
      WHERE e.state = 'open' AND p.account_id = a.id)
  WHERE a.id = ANY (p_accounts) AND a.held_nano_usd IS NULL;
END $$;
