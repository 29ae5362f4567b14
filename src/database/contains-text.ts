/**
 * A condition and its parameters: the column contains this text, whatever the letter case. `%` and `_` are text. SQLite
 * lowers ASCII letters only, so the text is looked for as it is written, too. One statement may ask it once per column.
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
