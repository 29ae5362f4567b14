-- Closes entries of the ledger, and moves what each held to what its call cost. A release is a settlement that costs 0.
--
-- Input: p_entries, one object per entry:
--   id, state      the entry, and what it becomes: settled, released …
--   mark           a remark (estimated, overrun, abandoned …), or null
--   cost           what the call cost, in nano-dollars
--   usage          the tokens it used, as JSON text, or null
--   clamp          how its output limit was lowered, as JSON text, or null
--   answer_id      the id of the answer, or null
--   cost_terms     the discount and margin of its cost, as JSON text, or null
--
-- Effect on each entry:
--   open           is closed. Its bound leaves `held` and its cost enters `spent` on every account of its chain
--   abandoned      was closed by another replica, at a cost by rule: a correcting entry, with an id made of its id, adds
--                  the difference, once
--   else           nothing: it was closed before
-- An account that counts no holds gets a row in account_deltas instead, which tollgate_fold adds up later.
--
-- Lock order: 1. the counting lock, shared; 2. the entries, by id; 3. accounts that count holds, by id.
--
-- Promise: all entries or none. A batch that is sent twice changes nothing the second time. `spent` never passes the
-- largest bigint.
CREATE OR REPLACE FUNCTION tollgate_settle(p_entries jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  counting_lock CONSTANT bigint := 8390043843661231206;
  max_bigint CONSTANT bigint := 9223372036854775807;
  -- What changes, at the same position of each: the chain, what is added to `spent`, what is taken from `held`.
  chain_ids text[];
  costs bigint[];
  bounds bigint[];
BEGIN
  PERFORM pg_advisory_xact_lock_shared(counting_lock);

  -- 1. Lock the entries.
  PERFORM 1
    FROM ledger_entries e
    JOIN jsonb_to_recordset(p_entries) AS g(id text) ON g.id = e.id
    ORDER BY e.id
    FOR UPDATE OF e;

  -- 2. Close what is open; correct what was abandoned at another cost.
  WITH due AS (
    SELECT
      e.id, e.chain_id, e.state AS was, e.bound_nano_usd AS bound, coalesce(e.cost_nano_usd, 0) AS billed,
      e.request_id, e.model, e.deployment_id, e.provider, e.request_tags, e.client_address,
      e.session_id, e.trace_id, e.user_agent, e.originator, e.spend_logs_metadata,
      g.state, g.mark, g.cost, g.usage, g.clamp, g.answer_id, g.cost_terms
    FROM ledger_entries e
    JOIN jsonb_to_recordset(p_entries) AS g(
      id text, state text, mark text, cost bigint, usage text, clamp text, answer_id text, cost_terms text) ON g.id = e.id
    WHERE e.state = 'open'
      OR (e.mark = 'abandoned' AND g.mark IS DISTINCT FROM 'abandoned' AND g.cost <> e.cost_nano_usd
        AND NOT EXISTS (SELECT 1 FROM ledger_entries late WHERE late.id = md5(e.id || '/late')))
  ), closed AS (
    UPDATE ledger_entries e
    SET state = due.state, mark = due.mark, cost_nano_usd = due.cost, usage = due.usage,
      clamp = due.clamp, answer_id = due.answer_id, cost_terms = due.cost_terms,
      closed_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    FROM due
    WHERE e.id = due.id AND due.was = 'open'
  ), corrected AS (
    INSERT INTO ledger_entries (
      id, chain_id, state, mark, bound_nano_usd, input_bound_nano_usd, cost_nano_usd, usage,
      request_id, call_type, model, deployment_id, provider, request_tags, client_address,
      session_id, trace_id, user_agent, originator, spend_logs_metadata, answer_id,
      opened_at, closed_at)
    SELECT
      md5(due.id || '/late'), due.chain_id, 'settled', 'adjustment', 0, 0, due.cost - due.billed, due.usage,
      due.request_id, 'adjustment', due.model, due.deployment_id, due.provider, due.request_tags,
      due.client_address, due.session_id, due.trace_id, due.user_agent, due.originator, due.spend_logs_metadata, due.answer_id,
      (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
      (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    FROM due
    WHERE due.was <> 'open'
  )
  SELECT array_agg(chain_id), array_agg(cost - billed), array_agg(CASE WHEN was = 'open' THEN bound ELSE 0 END)
    INTO chain_ids, costs, bounds
    FROM due;
  IF chain_ids IS NULL THEN RETURN; END IF;

  -- 3. Lock the accounts that count holds.
  PERFORM 1
    FROM accounts a
    WHERE a.held_nano_usd IS NOT NULL
      AND a.id IN (SELECT p.account_id FROM postings p WHERE p.chain_id = ANY (chain_ids))
    ORDER BY a.id
    FOR UPDATE;

  -- 4. Move the money: in the balance where holds are counted, as a delta elsewhere.
  WITH moves AS (
    SELECT p.account_id, sum(m.cost) AS cost, sum(m.bound) AS bound
    FROM unnest(chain_ids, costs, bounds) AS m(chain_id, cost, bound)
    JOIN postings p ON p.chain_id = m.chain_id
    GROUP BY p.account_id
  ), counted AS (
    UPDATE accounts a
    SET spent_nano_usd = least(a.spent_nano_usd + moves.cost, max_bigint),
      held_nano_usd = a.held_nano_usd - moves.bound
    FROM moves
    WHERE a.id = moves.account_id AND a.held_nano_usd IS NOT NULL
    RETURNING a.id
  )
  INSERT INTO account_deltas (id, account_id, amount_nano_usd)
    SELECT gen_random_uuid()::text, moves.account_id, least(moves.cost, max_bigint)
    FROM moves
    WHERE moves.cost <> 0 AND NOT EXISTS (SELECT 1 FROM counted WHERE counted.id = moves.account_id);
END $$;
