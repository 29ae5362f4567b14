/**
 * A condition and its parameters: the column contains this text, whatever the letter case. `%` and `_` are text. One
 * statement may ask it once per column.
 */
export function partOf(
  column: string,
  text: string,
): [condition: string, parameters: Record<string, string>] {
  const name = column.replace(/\W/g, '_');
  const pattern = `%${text.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
  return [`LOWER(${column}) LIKE :${name} ESCAPE '\\'`, { [name]: pattern }];
}
