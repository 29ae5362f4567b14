-- Sets money aside for a batch of calls, in one statement. The rules are those of policy/hold-amount.ts
-- (docs/decisions/0005-holds.md); test/money/postgres-hold.spec.ts compares the two on random batches.
--
-- Inputs
--   p_replica      id of the calling replica; a new entry belongs to it until it is closed
--   p_again        true: an earlier try of this batch may have been committed; an entry that exists is the answer
--   p_accounts     ids of all accounts the batch touches. A position below counts from 1 in this array
--   p_subjects     names of the rows that limits were read from (keys, teams, budget tiers …), with duplicates
--   p_revisions    the revision each of p_subjects had when it was read
--   p_chains       billing chains that may not be stored yet: one object per row of chains
--   p_postings     the accounts of these chains: one object per row of postings
--   p_requests     the calls, in the order they came. Of each:
--     id, chain, request_id, call_type, model, deployment_id, provider, request_tags, input_bound,
--     client_address, session_id, trace_id, user_agent, originator, spend_logs_metadata
--                  columns of its entry in the ledger
--     at           positions of its accounts, in the order of the chain
--     limits       the limit on each account of `at`; null: none
--     wanted, minimum, fair
--                  HoldDemand of the call in nano-dollars: its whole bound, the least it takes, its fair share
--     last         true: the call waits no longer. It takes what fits, or is refused
--     countable    true: an exact count of the prompt would lower `wanted`
--     subjects     positions in p_subjects of the rows its limits were read from
--
-- Output: an object
--   answers        one per call, in their order. Each has `id` and `kind`:
--     granted      `amount` is held on every account of the chain, and the entry is open
--     closed       the entry exists and is closed already (p_again only)
--     outdated     a row the limits were read from has changed: nothing is held, the caller reads again and asks again
--     uncounted    the whole bound does not fit; the prompt must be counted before anything is refused
--     short        holds of other calls are in the way of what the call may have; it may wait
--     refused      not even the minimum fits, or (`last`) nothing came free in time
--                  `by`: the accounts in the way, each with its position `at`, and `spent` and `held` as they were then
--   spent, held    the balances of p_accounts after the statement, as text; `held` is null: the account counts no holds
--   moved          positions in p_subjects of the rows that have changed
--
-- Lock order: 1. the counting lock, shared; 2. chains, then postings, each by id; 3. accounts that count holds, by id;
-- 4. entries, by id.
--
-- Promise: spent + held ≤ limit for every account and limit after every grant. All of the batch is committed, or nothing.
-- A batch that is sent twice holds once: the ids of entries are unique, and serialization_failure is raised when an
-- earlier try was committed while this one ran.
CREATE OR REPLACE FUNCTION tollgate_hold(
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
  counting_lock CONSTANT bigint := 8390043843661231206;
  seen record;
  request record;
  budget integer;  -- position in request.at and request.limits
  account integer; -- position in p_accounts
  subject integer; -- position in p_subjects

  -- Balances by position in p_accounts. `held` is null for an account that counts no holds.
  spent bigint[] := array_fill(0::bigint, ARRAY[cardinality(p_accounts)]);
  held bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(p_accounts)]);
  held_before bigint[];
  -- Accounts that an earlier call of this batch waits for.
  awaited boolean[] := array_fill(false, ARRAY[cardinality(p_accounts)]);
  -- Rows of p_subjects whose revision is another now.
  moved boolean[] := array_fill(false, ARRAY[cardinality(p_subjects)]);

  -- The decision on one call.
  kind text;
  target bigint;    -- what the call may have
  free_now bigint;  -- what is free on all of its accounts
  remaining bigint; -- limit − spent
  free bigint;      -- limit − spent − held
  share bigint;
  is_small boolean;
  in_the_way integer[];

  answers jsonb[] := '{}';
  granted_ids text[] := '{}';
  granted_amounts bigint[] := '{}';
  opened bigint;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(counting_lock);

  -- 1. Store the chains that are new.
  INSERT INTO chains (id, key_hash, key_alias, user_id, team_id, organization_id, end_user_id)
    SELECT c.id, c.key_hash, c.key_alias, c.user_id, c.team_id, c.organization_id, c.end_user_id
    FROM jsonb_to_recordset(p_chains) AS c(
      id text, key_hash text, key_alias text, user_id text, team_id text, organization_id text, end_user_id text)
    ORDER BY c.id
    ON CONFLICT DO NOTHING;
  INSERT INTO postings (chain_id, account_id)
    SELECT p.chain_id, p.account_id
    FROM jsonb_to_recordset(p_postings) AS p(chain_id text, account_id text)
    ORDER BY p.chain_id, p.account_id
    ON CONFLICT DO NOTHING;

  -- 2. Lock the accounts that count holds, and read their balances. The others stay unlocked, with `held` null.
  FOR seen IN
    SELECT named.at, a.spent_nano_usd, a.held_nano_usd
    FROM accounts a
    JOIN unnest(p_accounts) WITH ORDINALITY AS named(id, at) ON named.id = a.id
    WHERE a.held_nano_usd IS NOT NULL
    ORDER BY a.id
    FOR UPDATE OF a
  LOOP
    spent[seen.at] := seen.spent_nano_usd;
    held[seen.at] := seen.held_nano_usd;
  END LOOP;
  held_before := held;

  -- 3. Compare the revisions of the rows the limits were read from, under these locks.
  FOR seen IN
    SELECT known.at
    FROM unnest(p_subjects, p_revisions) WITH ORDINALITY AS known(subject, revision, at)
    LEFT JOIN revisions v ON v.subject = known.subject
    WHERE coalesce(v.revision, 0) <> known.revision
  LOOP
    moved[seen.at] := true;
  END LOOP;

  -- 4. Decide on the calls, one after the other. A grant is in `held` before the next call is looked at.
  FOR request IN
    SELECT *
    FROM jsonb_to_recordset(p_requests) AS q(
      id text, at integer[], limits bigint[], wanted bigint, minimum bigint, fair bigint,
      last boolean, countable boolean, subjects integer[])
  LOOP
    kind := 'granted';
    target := request.wanted;
    free_now := NULL;
    in_the_way := '{}';

    -- An earlier try was committed: its entry is the answer.
    IF p_again THEN
      SELECT e.state, e.bound_nano_usd INTO seen FROM ledger_entries e WHERE e.id = request.id;
      IF FOUND THEN
        answers := answers || jsonb_build_object(
          'id', request.id,
          'amount', seen.bound_nano_usd::text,
          'kind', CASE WHEN seen.state = 'open' THEN 'granted' ELSE 'closed' END);
        CONTINUE;
      END IF;
    END IF;

    -- Facts that are no longer true decide nothing.
    FOREACH subject IN ARRAY request.subjects LOOP
      IF moved[subject] THEN kind := 'outdated'; END IF;
    END LOOP;

    -- A limit on an account that counts no holds is outdated, too: tollgate_count_holds comes first. A bound that does
    -- not fit and could be lower is counted first.
    FOR budget IN 1 .. cardinality(request.at) LOOP
      account := request.at[budget];
      CONTINUE WHEN kind <> 'granted' OR request.limits[budget] IS NULL;
      remaining := request.limits[budget] - spent[account];
      IF held[account] IS NULL THEN
        kind := 'outdated';
      ELSIF request.countable AND request.wanted > remaining THEN
        kind := 'uncounted';
      END IF;
    END LOOP;

    -- The minimum does not fit, whatever other calls give back: refused for good.
    IF kind = 'granted' THEN
      FOR budget IN 1 .. cardinality(request.at) LOOP
        account := request.at[budget];
        CONTINUE WHEN request.limits[budget] IS NULL;
        IF request.minimum > request.limits[budget] - spent[account] THEN
          kind := 'refused';
          in_the_way := in_the_way || account;
        END IF;
      END LOOP;
    END IF;

    -- A call that comes to an account others wait for stands behind them.
    IF kind = 'granted' AND NOT request.last AND request.wanted > 0 THEN
      FOR budget IN 1 .. cardinality(request.at) LOOP
        account := request.at[budget];
        IF kind = 'granted' AND awaited[account] AND request.limits[budget] IS NOT NULL THEN
          kind := 'short';
          in_the_way := ARRAY[account];
        END IF;
      END LOOP;
    END IF;

    IF kind = 'granted' THEN
      -- A small call leaves half of every limit untouched: it is never shortened for the sake of others.
      is_small := true;
      FOR budget IN 1 .. cardinality(request.at) LOOP
        account := request.at[budget];
        CONTINUE WHEN request.limits[budget] IS NULL;
        is_small := is_small AND request.wanted <= request.limits[budget] / 2 - spent[account] - held[account];
      END LOOP;

      -- What is spent shortens the call. Where others hold, it gets an eighth of what is free, or its fair share.
      FOR budget IN 1 .. cardinality(request.at) LOOP
        account := request.at[budget];
        CONTINUE WHEN request.limits[budget] IS NULL;
        remaining := request.limits[budget] - spent[account];
        free := remaining - held[account];
        share := CASE
          WHEN held[account] > 0 AND NOT is_small THEN greatest(free / 8, request.fair)
          ELSE remaining
        END;
        target := greatest(request.minimum, least(target, remaining, share));
        free_now := least(free_now, free);
      END LOOP;

      -- Holds of other calls are in the way: wait, or (`last`) take what is free.
      IF target > free_now THEN
        FOR budget IN 1 .. cardinality(request.at) LOOP
          account := request.at[budget];
          CONTINUE WHEN request.limits[budget] IS NULL;
          IF target > request.limits[budget] - spent[account] - held[account] THEN
            in_the_way := in_the_way || account;
          END IF;
        END LOOP;
        IF NOT request.last THEN
          kind := 'short';
        ELSIF request.minimum <= free_now THEN
          target := free_now;
        ELSE
          kind := 'refused';
        END IF;
      END IF;
    END IF;

    IF kind = 'granted' THEN
      FOREACH account IN ARRAY request.at LOOP
        held[account] := held[account] + target;
      END LOOP;
      granted_ids := granted_ids || request.id;
      granted_amounts := granted_amounts || target;
      answers := answers || jsonb_build_object('id', request.id, 'kind', kind, 'amount', target::text);
    ELSE
      IF kind = 'short' THEN awaited[in_the_way[1]] := true; END IF;
      answers := answers || jsonb_build_object('id', request.id, 'kind', kind, 'by', (
        SELECT coalesce(
          jsonb_agg(jsonb_build_object('at', a, 'spent', spent[a]::text, 'held', held[a]::text)), '[]')
        FROM unnest(in_the_way) AS a));
    END IF;
  END LOOP;

  -- 5. Open an entry for each grant.
  INSERT INTO ledger_entries (
      id, chain_id, replica_id, state, bound_nano_usd, input_bound_nano_usd,
      request_id, call_type, model, deployment_id, provider, request_tags, client_address,
      session_id, trace_id, user_agent, originator, spend_logs_metadata, opened_at)
    SELECT
      q.id, q.chain, p_replica, 'open', granted.amount, q.input_bound,
      q.request_id, q.call_type, q.model, q.deployment_id, q.provider, q.request_tags, q.client_address,
      q.session_id, q.trace_id, q.user_agent, q.originator, q.spend_logs_metadata,
      (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    FROM unnest(granted_ids, granted_amounts) AS granted(id, amount)
    JOIN jsonb_to_recordset(p_requests) AS q(
      id text, chain text, input_bound bigint, request_id text, call_type text, model text,
      deployment_id text, provider text, request_tags text, client_address text,
      session_id text, trace_id text, user_agent text, originator text, spend_logs_metadata text) ON q.id = granted.id
    ORDER BY q.id
    ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS opened = ROW_COUNT;
  IF opened < cardinality(granted_ids) THEN
    RAISE EXCEPTION 'an earlier try of the same hold was committed meanwhile' USING ERRCODE = '40001';
  END IF;

  -- 6. Write the balances that changed.
  UPDATE accounts SET held_nano_usd = now_held.amount
    FROM unnest(p_accounts, held, held_before) AS now_held(id, amount, was)
    WHERE accounts.id = now_held.id AND now_held.amount <> now_held.was;

  RETURN jsonb_build_object(
    'answers', to_jsonb(answers),
    'spent', to_jsonb(spent::text[]),
    'held', to_jsonb(held::text[]),
    'moved', (
      SELECT coalesce(jsonb_agg(at), '[]')
      FROM unnest(moved) WITH ORDINALITY AS m(yes, at)
      WHERE m.yes));
END $$;
