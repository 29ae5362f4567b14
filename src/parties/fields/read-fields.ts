import { type DelegableRow, type Field, type FieldEditor, type Fields, isPassedOn } from './field.js';

const entries = Object.entries as (fields: Fields) => [string, Field][];

/** Returns the names of the fields that `test` holds for. */
export const fieldsWhere = (fields: Fields, test: (field: Field) => boolean): readonly string[] =>
  entries(fields).flatMap(([name, field]) => (test(field) ? [name] : []));

/** Returns the fields that these roles may set. Proxy admins may set every field. */
export const editableBy = (fields: Fields, ...editors: readonly FieldEditor[]): ReadonlySet<string> =>
  new Set(fieldsWhere(fields, ({ setBy }) => editors.includes(setBy)));

/** Fills the fields that a new row leaves open from its maker's row, where `test` holds for them. */
export function inheritFields(
  fields: Fields,
  row: DelegableRow,
  maker: Readonly<DelegableRow>,
  test: (field: Field) => boolean = () => true,
): void {
  for (const field of Object.values(fields)) {
    const { passedOn } = field;
    if (isPassedOn(passedOn) && typeof passedOn.inherit === 'function' && test(field))
      passedOn.inherit(row, maker);
  }
}
