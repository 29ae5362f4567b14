/**
 * Returns a condition and its parameters: the column contains this text, in any letter case. `%` and `_` are plain
 * text. SQLite lowers only ASCII letters, so it also searches the text as written. Use it once per column in a
 * statement.
 */
export function containsText(
  column: string,
  text: string,
): [condition: string, parameters: Record<string, string>] {
  const name = column.replace(/\W/g, '_');
  const asWritten = `%${text.replace(/[\\%_]/g, '\\$&')}%`;
  return [
    `(LOWER(${column}) LIKE :${name} ESCAPE '\\' OR ${column} LIKE :${name}_as_written ESCAPE '\\')`,
    { [name]: asWritten.toLowerCase(), [`${name}_as_written`]: asWritten },
  ];
}
