import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Held shared by everyone who moves money, exclusively by whoever turns an account into one that counts holds. */
const COUNTING = '8390043843661231206';
/** Held by the one process that folds deltas. */
const FOLDING = '8390043843661231207';
const MAX = '9223372036854775807';
const NOW_MS = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;

/**
 * `policy/grant.ts` under row locks: all requests of a tick in one statement. Locks the accounts in the order of their
 * ids, asks whether what the limits were read from is still true, walks the requests in the order they came, and opens an
 * entry for each that is granted. See docs/decisions/0006.
 */
export const HOLD = `
CREATE FUNCTION tollgate_hold(
  p_replica text, p_again boolean, p_accounts text[], p_subjects text[], p_revisions bigint[],
  p_chains jsonb, p_postings jsonb, p_requests jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
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
  in_the_way integer[];
  answers jsonb[] := '{}';
  ids text[] := '{}';
  amounts bigint[] := '{}';
  opened bigint;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${COUNTING});

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
      FOR budget IN 1 .. cardinality(r.at) LOOP
        account := r.at[budget];
        CONTINUE WHEN r.limits[budget] IS NULL;
        remaining := r.limits[budget] - spent[account];
        free := remaining - held[account];
        share := CASE WHEN held[account] > 0 THEN greatest(free / 8, r.fair) ELSE remaining END;
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
      request_id, call_type, model, deployment_id, provider, opened_at)
    SELECT q.id, q.chain, p_replica, 'open', granted.amount, q.input_bound,
      q.request_id, q.call_type, q.model, q.deployment_id, q.provider, ${NOW_MS}
    FROM unnest(ids, amounts) AS granted(id, amount)
    JOIN jsonb_to_recordset(p_requests) AS q(id text, chain text, input_bound bigint, request_id text,
      call_type text, model text, deployment_id text, provider text) ON q.id = granted.id
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
END $$`;

/**
 * Closes open entries and moves what they held to what they cost. An entry somebody else closed as abandoned gets one
 * correcting entry; one that is closed already stays as it is. All in the order of ids.
 */
export const SETTLE = `
CREATE FUNCTION tollgate_settle(p_entries jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ended text[];
  costs bigint[];
  bounds bigint[];
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${COUNTING});
  PERFORM 1 FROM ledger_entries e JOIN jsonb_to_recordset(p_entries) AS g(id text) ON g.id = e.id
    ORDER BY e.id FOR UPDATE OF e;

  WITH due AS (
    SELECT e.id, e.chain_id, e.state AS was, e.bound_nano_usd AS bound, coalesce(e.cost_nano_usd, 0) AS billed,
      e.request_id, e.model, e.deployment_id, e.provider, g.state, g.mark, g.cost, g.usage
    FROM ledger_entries e
    JOIN jsonb_to_recordset(p_entries) AS g(id text, state text, mark text, cost bigint, usage text) ON g.id = e.id
    WHERE e.state = 'open' OR (e.mark = 'abandoned' AND g.mark IS DISTINCT FROM 'abandoned' AND g.cost <> e.cost_nano_usd
      AND NOT EXISTS (SELECT 1 FROM ledger_entries late WHERE late.id = md5(e.id || '/late')))
  ), closed AS (
    UPDATE ledger_entries e SET state = due.state, mark = due.mark, cost_nano_usd = due.cost, usage = due.usage, closed_at = ${NOW_MS}
    FROM due WHERE e.id = due.id AND due.was = 'open'
  ), corrected AS (
    INSERT INTO ledger_entries (id, chain_id, state, mark, bound_nano_usd, input_bound_nano_usd, cost_nano_usd, usage,
      request_id, call_type, model, deployment_id, provider, opened_at, closed_at)
    SELECT md5(due.id || '/late'), due.chain_id, 'settled', 'adjustment', 0, 0, due.cost - due.billed, due.usage,
      due.request_id, 'adjustment', due.model, due.deployment_id, due.provider, ${NOW_MS}, ${NOW_MS}
    FROM due WHERE due.was <> 'open'
  )
  SELECT array_agg(chain_id), array_agg(cost - billed), array_agg(CASE WHEN was = 'open' THEN bound ELSE 0 END)
    INTO ended, costs, bounds FROM due;
  IF ended IS NULL THEN RETURN; END IF;

  PERFORM 1 FROM accounts a WHERE a.held_nano_usd IS NOT NULL
    AND a.id IN (SELECT p.account_id FROM postings p WHERE p.chain_id = ANY (ended)) ORDER BY a.id FOR UPDATE;

  WITH moves AS (
    SELECT p.account_id, sum(m.cost) AS cost, sum(m.bound) AS bound
    FROM unnest(ended, costs, bounds) AS m(chain_id, cost, bound) JOIN postings p ON p.chain_id = m.chain_id
    GROUP BY p.account_id
  ), counted AS (
    UPDATE accounts a SET spent_nano_usd = least(a.spent_nano_usd + moves.cost, ${MAX}), held_nano_usd = a.held_nano_usd - moves.bound
    FROM moves WHERE a.id = moves.account_id AND a.held_nano_usd IS NOT NULL RETURNING a.id
  )
  INSERT INTO account_deltas (id, account_id, amount_nano_usd)
    SELECT gen_random_uuid()::text, moves.account_id, least(moves.cost, ${MAX}) FROM moves
    WHERE moves.cost <> 0 AND NOT EXISTS (SELECT 1 FROM counted WHERE counted.id = moves.account_id);
END $$`;

/** From now on these accounts count what is held: exactly, because nobody moves money meanwhile. */
const COUNT_HOLDS = `
CREATE FUNCTION tollgate_count_holds(p_accounts text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(${COUNTING});
  WITH gone AS (
    DELETE FROM account_deltas WHERE account_id = ANY (p_accounts) RETURNING account_id, amount_nano_usd
  ), sums AS (
    SELECT account_id, sum(amount_nano_usd) AS amount FROM gone GROUP BY account_id
  )
  UPDATE accounts a SET
    spent_nano_usd = least(a.spent_nano_usd + coalesce((SELECT amount FROM sums WHERE sums.account_id = a.id), 0), ${MAX}),
    held_nano_usd = (SELECT coalesce(sum(e.bound_nano_usd), 0) FROM ledger_entries e
      JOIN postings p ON p.chain_id = e.chain_id WHERE e.state = 'open' AND p.account_id = a.id)
  WHERE a.id = ANY (p_accounts) AND a.held_nano_usd IS NULL;
END $$`;

/** Adds deltas to their balances; true when there were any. One process at a time. */
const FOLD = `
CREATE FUNCTION tollgate_fold(p_most integer) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF NOT pg_try_advisory_xact_lock(${FOLDING}) THEN RETURN false; END IF;
  PERFORM pg_advisory_xact_lock_shared(${COUNTING});
  WITH gone AS (
    DELETE FROM account_deltas WHERE id IN (SELECT id FROM account_deltas LIMIT p_most) RETURNING account_id, amount_nano_usd
  ), sums AS (
    SELECT account_id, sum(amount_nano_usd) AS amount FROM gone GROUP BY account_id
  )
  UPDATE accounts a SET spent_nano_usd = least(a.spent_nano_usd + sums.amount, ${MAX})
  FROM sums WHERE a.id = sums.account_id;
  RETURN FOUND;
END $$`;

/** Closes open entries of processes that are not among the replicas, billed by rule; how many. */
const ABANDON = `
CREATE FUNCTION tollgate_abandon(p_rule text, p_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  entries jsonb;
BEGIN
  SELECT jsonb_agg(jsonb_build_object('id', dead.id, 'state', 'settled', 'mark', 'abandoned', 'cost', CASE p_rule
      WHEN 'bound' THEN dead.bound_nano_usd WHEN 'input' THEN dead.input_bound_nano_usd ELSE 0 END)) INTO entries
  FROM (
    SELECT e.id, e.bound_nano_usd, e.input_bound_nano_usd FROM ledger_entries e
    WHERE e.state = 'open' AND NOT EXISTS (SELECT 1 FROM replicas r WHERE r.id = e.replica_id)
    ORDER BY e.id LIMIT p_most FOR UPDATE OF e SKIP LOCKED
  ) AS dead;
  IF entries IS NULL THEN RETURN 0; END IF;
  PERFORM tollgate_settle(entries);
  RETURN jsonb_array_length(entries);
END $$`;

const FUNCTIONS = [HOLD, SETTLE, COUNT_HOLDS, FOLD, ABANDON];

/** How replicas move money together: functions of PostgreSQL. SQLite needs none, there one process does it in memory. */
export class SharedMoney1764000000000 implements MigrationInterface {
  name = 'SharedMoney1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    if (runner.connection.options.type !== 'postgres') return;
    for (const sql of FUNCTIONS) await runner.query(sql);
  }

  async down(runner: QueryRunner): Promise<void> {
    if (runner.connection.options.type !== 'postgres') return;
    for (const sql of FUNCTIONS.toReversed())
      await runner.query(`DROP FUNCTION ${/tollgate_\w+/.exec(sql)![0]}`);
  }
}
