import type { MigrationInterface, QueryRunner } from 'typeorm';

type Change = readonly [before: string, after: string];

/** `tollgate_hold` leaves a call whole that leaves half of every limit untouched, whatever others hold. */
const CHANGES: readonly Change[] = [
  ['  share bigint;\n', '  share bigint;\n  is_small boolean;\n'],
  [
    `    IF kind = 'granted' THEN
      FOR budget IN 1 .. cardinality(r.at) LOOP
        account := r.at[budget];
        CONTINUE WHEN r.limits[budget] IS NULL;
        remaining :=`,
    `    IF kind = 'granted' THEN
      is_small := true;
      FOR budget IN 1 .. cardinality(r.at) LOOP
        account := r.at[budget];
        CONTINUE WHEN r.limits[budget] IS NULL;
        is_small := is_small AND r.wanted <= r.limits[budget] / 2 - spent[account] - held[account];
      END LOOP;
      FOR budget IN 1 .. cardinality(r.at) LOOP
        account := r.at[budget];
        CONTINUE WHEN r.limits[budget] IS NULL;
        remaining :=`,
  ],
  ['CASE WHEN held[account] > 0 THEN', 'CASE WHEN held[account] > 0 AND NOT is_small THEN'],
];

/** A call is not cut for the sake of others while there is plenty for everybody. */
export class WholeCalls1765050000000 implements MigrationInterface {
  name = 'WholeCalls1765050000000';

  async up(runner: QueryRunner): Promise<void> {
    await changeHold(runner, CHANGES);
  }

  async down(runner: QueryRunner): Promise<void> {
    await changeHold(
      runner,
      CHANGES.map(([before, after]) => [after, before]),
    );
  }
}

/** Changes the function as the database has it, so that no other change to it is lost. */
async function changeHold(runner: QueryRunner, changes: readonly Change[]): Promise<void> {
  if (runner.connection.options.type !== 'postgres') return;
  const [row] = (await runner.query(
    `SELECT pg_get_functiondef(p.oid) AS sql FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE p.proname = 'tollgate_hold' AND n.nspname = current_schema()`,
  )) as [{ sql: string }];
  const sql = changes.reduce((now, [before, after]) => {
    if (now.split(before).length !== 2) throw new Error(`not in tollgate_hold exactly once: ${before}`);
    return now.replace(before, () => after);
  }, row.sql);
  await runner.query(sql);
}
