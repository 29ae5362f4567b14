/** The columns of a set of rows, with their PostgreSQL types. */
export type Columns = Readonly<Record<string, 'varchar' | 'text' | 'bigint'>>;

/**
 * Returns SQL for the rows in a JSON array, which is the only parameter of the statement. It works on both databases.
 * Any number of rows takes one round trip. Integers travel as text, so none passes through a double.
 */
export function jsonRowset(columns: Columns, database: { readonly isPostgres: boolean }): string {
  if (database.isPostgres) {
    const typed = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
    return `(SELECT * FROM jsonb_to_recordset($1::jsonb) AS j(${typed.join(', ')}))`;
  }
  const typed = Object.entries(columns).map(([name, type]) =>
    type === 'bigint' ? `CAST(value->>'${name}' AS INTEGER) AS ${name}` : `value->>'${name}' AS ${name}`,
  );
  return `(SELECT ${typed.join(', ')} FROM json_each(?))`;
}
