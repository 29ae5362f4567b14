-- tollgate_hold as the migrations before this one left it: whole-calls undoes its change in this very text.
CREATE OR REPLACE FUNCTION tollgate_hold(p_replica text, p_again boolean, p_accounts text[], p_subjects text[], p_revisions bigint[], p_chains jsonb, p_postings jsonb, p_requests jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
AS $function$
DECLARE
  seen record;
  r record;
  budget integer;
  account integer;
  subject integer;
  spent bigint[] := array_fill(0::bigint, ARRAY[cardinality(p_accounts)]);
  held bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(p_accounts)]);
  before bigint[];
  awaited boolean[] := array_fill(false, ARRAY[cardinality(p_accounts)]);
  moved boolean[] := array_fill(false, ARRAY[cardinality(p_subjects)]);
  kind text;
  target bigint;
  free_now bigint;
  remaining bigint;
  free bigint;
  share bigint;
  is_small boolean;
  in_the_way integer[];
  answers jsonb[] := '{}';
  ids text[] := '{}';
  amounts bigint[] := '{}';
  opened bigint;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(8390043843661231206);

  INSERT INTO chains (id, key_hash, key_alias, user_id, team_id, organization_id, end_user_id)
    SELECT c.id, c.key_hash, c.key_alias, c.user_id, c.team_id, c.organization_id, c.end_user_id
    FROM jsonb_to_recordset(p_chains) AS c(id text, key_hash text, key_alias text, user_id text, team_id text, organization_id text, end_user_id text)
    ORDER BY c.id ON CONFLICT DO NOTHING;
  INSERT INTO postings (chain_id, account_id)
    SELECT p.chain_id, p.account_id FROM jsonb_to_recordset(p_postings) AS p(chain_id text, account_id text)
    ORDER BY p.chain_id, p.account_id ON CONFLICT DO NOTHING;

  FOR seen IN
    SELECT named.at, a.spent_nano_usd, a.held_nano_usd
    FROM accounts a JOIN unnest(p_accounts) WITH ORDINALITY AS named(id, at) ON named.id = a.id
    WHERE a.held_nano_usd IS NOT NULL ORDER BY a.id FOR UPDATE OF a
  LOOP
    spent[seen.at] := seen.spent_nano_usd;
    held[seen.at] := seen.held_nano_usd;
  END LOOP;
  before := held;

  FOR seen IN
    SELECT known.at FROM unnest(p_subjects, p_revisions) WITH ORDINALITY AS known(subject, revision, at)
    LEFT JOIN revisions v ON v.subject = known.subject WHERE coalesce(v.revision, 0) <> known.revision
  LOOP
    moved[seen.at] := true;
  END LOOP;

  FOR r IN
    SELECT * FROM jsonb_to_recordset(p_requests) AS q(
      id text, at integer[], limits bigint[], wanted bigint, minimum bigint, fair bigint,
      last boolean, countable boolean, subjects integer[])
  LOOP
    kind := 'granted';
    target := r.wanted;
    free_now := NULL;
    in_the_way := '{}';

    IF p_again THEN
      SELECT e.state, e.bound_nano_usd INTO seen FROM ledger_entries e WHERE e.id = r.id;
      IF FOUND THEN
        answers := answers || jsonb_build_object('id', r.id, 'amount', seen.bound_nano_usd::text,
          'kind', CASE WHEN seen.state = 'open' THEN 'granted' ELSE 'closed' END);
        CONTINUE;
      END IF;
    END IF;

    FOREACH subject IN ARRAY r.subjects LOOP
      IF moved[subject] THEN kind := 'outdated'; END IF;
    END LOOP;

    FOR budget IN 1 .. cardinality(r.at) LOOP
      account := r.at[budget];
      CONTINUE WHEN kind <> 'granted' OR r.limits[budget] IS NULL;
      remaining := r.limits[budget] - spent[account];
      IF held[account] IS NULL THEN
        kind := 'outdated';
      ELSIF r.countable AND r.wanted > remaining THEN
        kind := 'uncounted';
      END IF;
    END LOOP;

    IF kind = 'granted' THEN
      FOR budget IN 1 .. cardinality(r.at) LOOP
        account := r.at[budget];
        CONTINUE WHEN r.limits[budget] IS NULL;
        IF r.minimum > r.limits[budget] - spent[account] THEN
          kind := 'refused';
          in_the_way := in_the_way || account;
        END IF;
      END LOOP;
    END IF;

    -- Whoever comes to an account that others wait for stands behind them.
    IF kind = 'granted' AND NOT r.last AND r.wanted > 0 THEN
      FOR budget IN 1 .. cardinality(r.at) LOOP
        account := r.at[budget];
        IF kind = 'granted' AND awaited[account] AND r.limits[budget] IS NOT NULL THEN
          kind := 'short';
          in_the_way := ARRAY[account];
        END IF;
      END LOOP;
    END IF;

    IF kind = 'granted' THEN
      is_small := true;
      FOR budget IN 1 .. cardinality(r.at) LOOP
        account := r.at[budget];
        CONTINUE WHEN r.limits[budget] IS NULL;
        is_small := is_small AND r.wanted <= r.limits[budget] / 2 - spent[account] - held[account];
      END LOOP;
      FOR budget IN 1 .. cardinality(r.at) LOOP
        account := r.at[budget];
        CONTINUE WHEN r.limits[budget] IS NULL;
        remaining := r.limits[budget] - spent[account];
        free := remaining - held[account];
        share := CASE WHEN held[account] > 0 AND NOT is_small THEN greatest(free / 8, r.fair) ELSE remaining END;
        target := greatest(r.minimum, least(target, remaining, share));
        free_now := least(free_now, free);
      END LOOP;
      IF target > free_now THEN
        FOR budget IN 1 .. cardinality(r.at) LOOP
          account := r.at[budget];
          CONTINUE WHEN r.limits[budget] IS NULL;
          IF target > r.limits[budget] - spent[account] - held[account] THEN
            in_the_way := in_the_way || account;
          END IF;
        END LOOP;
        IF NOT r.last THEN
          kind := 'short';
        ELSIF r.minimum <= free_now THEN
          target := free_now;
        ELSE
          kind := 'refused';
        END IF;
      END IF;
    END IF;

    IF kind = 'granted' THEN
      FOREACH account IN ARRAY r.at LOOP
        held[account] := held[account] + target;
      END LOOP;
      ids := ids || r.id;
      amounts := amounts || target;
      answers := answers || jsonb_build_object('id', r.id, 'kind', kind, 'amount', target::text);
    ELSE
      IF kind = 'short' THEN awaited[in_the_way[1]] := true; END IF;
      answers := answers || jsonb_build_object('id', r.id, 'kind', kind, 'by', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('at', a, 'spent', spent[a]::text, 'held', held[a]::text)), '[]')
        FROM unnest(in_the_way) AS a));
    END IF;
  END LOOP;

  INSERT INTO ledger_entries (id, chain_id, replica_id, state, bound_nano_usd, input_bound_nano_usd,
      request_id, call_type, model, deployment_id, provider, request_tags, opened_at)
    SELECT q.id, q.chain, p_replica, 'open', granted.amount, q.input_bound,
      q.request_id, q.call_type, q.model, q.deployment_id, q.provider, q.request_tags, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    FROM unnest(ids, amounts) AS granted(id, amount)
    JOIN jsonb_to_recordset(p_requests) AS q(id text, chain text, input_bound bigint, request_id text,
      call_type text, model text, deployment_id text, provider text, request_tags text) ON q.id = granted.id
    ORDER BY q.id ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS opened = ROW_COUNT;
  IF opened < cardinality(ids) THEN
    RAISE EXCEPTION 'an earlier try of the same hold was committed meanwhile' USING ERRCODE = '40001';
  END IF;

  UPDATE accounts SET held_nano_usd = now_held.amount
    FROM unnest(p_accounts, held, before) AS now_held(id, amount, was)
    WHERE accounts.id = now_held.id AND now_held.amount <> now_held.was;

  RETURN jsonb_build_object('answers', to_jsonb(answers), 'spent', to_jsonb(spent::text[]),
    'held', to_jsonb(held::text[]), 'moved', (
      SELECT coalesce(jsonb_agg(at), '[]') FROM unnest(moved) WITH ORDINALITY AS m(yes, at) WHERE m.yes));
END $function$
