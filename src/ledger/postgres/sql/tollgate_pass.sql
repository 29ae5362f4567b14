-- Replaces holds by new ones (a retry, another deployment, a fallback): ends the old hold and takes the new one in one
-- step, call by call. A call that is not granted keeps its old hold.
--
-- Inputs: those of tollgate_hold. Each of p_requests has one member more:
--   ends           how the entry of its old hold ends, as an entry of tollgate_settle
-- Output: that of tollgate_hold, with the answers of all calls. Balances and `moved` are those after the last call.
--
-- Lock order: 1. the old entries, by id; 2. the locks of tollgate_hold, for all of the batch (its call with no requests
-- stores the chains and locks the accounts). All this happens before the first step, so undoing a step undoes no lock.
--
-- Promise: at no moment do the old and the new hold of a call both count, or neither. A new hold may use what the old one
-- held and what is free.
CREATE OR REPLACE FUNCTION tollgate_pass(
  p_replica text,
  p_again boolean,
  p_accounts text[],
  p_subjects text[],
  p_revisions bigint[],
  p_chains jsonb,
  p_postings jsonb,
  p_requests jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  request jsonb;
  outcome jsonb; -- what tollgate_hold answered the last call
  answers jsonb := '[]';
BEGIN
  PERFORM 1
    FROM ledger_entries e
    JOIN jsonb_array_elements(p_requests) AS r ON r->'ends'->>'id' = e.id
    ORDER BY e.id
    FOR UPDATE OF e;
  PERFORM tollgate_hold(
    p_replica, false, p_accounts, p_subjects, p_revisions, p_chains, p_postings, '[]');

  FOR request IN SELECT jsonb_array_elements(p_requests) LOOP
    -- The exception undoes the settlement of the old hold.
    BEGIN
      PERFORM tollgate_settle(jsonb_build_array(request->'ends'));
      outcome := tollgate_hold(
        p_replica, p_again, p_accounts, p_subjects, p_revisions, '[]', '[]', jsonb_build_array(request));
      IF outcome->'answers'->0->>'kind' <> 'granted' THEN RAISE SQLSTATE 'TG001'; END IF;
    EXCEPTION WHEN SQLSTATE 'TG001' THEN
      NULL;
    END;
    answers := answers || (outcome->'answers');
  END LOOP;
  RETURN jsonb_set(outcome, '{answers}', answers);
END $$;
