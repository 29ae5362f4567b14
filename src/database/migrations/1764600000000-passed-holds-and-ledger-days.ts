import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

/**
 * Holds that take the place of others (`ends`: the entry of each, as `tollgate_settle` wants it): the old one ends and the
 * new one is granted in one step, or nothing happens. `tollgate_hold` says what is granted, of what is free once the old
 * hold is gone. Chains are stored and all accounts locked, in the order of their ids, before the first step: a step that
 * is undone undoes neither.
 */
const PASS = `
CREATE FUNCTION tollgate_pass(
  p_replica text, p_again boolean, p_accounts text[], p_subjects text[], p_revisions bigint[],
  p_chains jsonb, p_postings jsonb, p_requests jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  request jsonb;
  told jsonb;
  answers jsonb := '[]';
BEGIN
  PERFORM 1 FROM ledger_entries e JOIN jsonb_array_elements(p_requests) AS r ON r->'ends'->>'id' = e.id
    ORDER BY e.id FOR UPDATE OF e;
  PERFORM tollgate_hold(p_replica, false, p_accounts, p_subjects, p_revisions, p_chains, p_postings, '[]');
  FOR request IN SELECT jsonb_array_elements(p_requests) LOOP
    BEGIN
      PERFORM tollgate_settle(jsonb_build_array(request->'ends'));
      told := tollgate_hold(p_replica, p_again, p_accounts, p_subjects, p_revisions, '[]', '[]', jsonb_build_array(request));
      IF told->'answers'->0->>'kind' <> 'granted' THEN RAISE SQLSTATE 'TG001'; END IF;
    EXCEPTION WHEN SQLSTATE 'TG001' THEN
      NULL;
    END;
    answers := answers || (told->'answers');
  END LOOP;
  RETURN jsonb_set(told, '{answers}', answers);
END $$`;

const LEDGER_DAYS = new Table({
  name: 'ledger_days',
  columns: [
    { name: 'chain_id', type: 'varchar', length: '36', isPrimary: true },
    { name: 'day', type: 'bigint', isPrimary: true },
    { name: 'state', type: 'varchar', length: '8', isPrimary: true },
    ...['mark', 'call_type', 'model', 'deployment_id', 'provider'].map((name) => ({
      name,
      type: 'varchar',
      isPrimary: true,
    })),
    ...[
      'entries',
      'cost_nano_usd',
      'input_tokens',
      'output_tokens',
      'cached_input_tokens',
      'cache_write_tokens',
    ].map((name) => ({ name, type: 'bigint' })),
  ],
});

/** A hold that passes from one attempt to the next, on PostgreSQL (in memory it is one step anyway); sums of old entries. */
export class PassedHoldsAndLedgerDays1764600000000 implements MigrationInterface {
  name = 'PassedHoldsAndLedgerDays1764600000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(LEDGER_DAYS);
    if (runner.connection.options.type === 'postgres') await runner.query(PASS);
  }

  async down(runner: QueryRunner): Promise<void> {
    if (runner.connection.options.type === 'postgres') await runner.query('DROP FUNCTION tollgate_pass');
    await runner.dropTable(LEDGER_DAYS);
  }
}
