import { ApiProperty, ApiPropertyOptional, type ApiPropertyOptions } from '@nestjs/swagger';
import { IsOptional, registerDecorator } from 'class-validator';
import { IntegerColumn, JsonColumn } from '../../database/columns.js';
import type { Field, Fields, OwnField } from './field.js';

/**
 * Builds a field in a JSON column. `problemIn` returns what is wrong with a value of the body; the response puts the field's
 * name before it.
 */
export const jsonField = (
  columnName: string,
  schema: ApiPropertyOptions,
  problemIn: (value: unknown) => string | undefined,
): OwnField => ({
  column: JsonColumn({ name: columnName, nullable: true }),
  sentAs: [ApiPropertyOptional(schema), IsOptional(), hasNoProblem(problemIn)],
  shownAs: ApiProperty(schema),
});

/** Builds a field in a column of whole numbers. `problemIn`: as for `jsonField`. */
export const integerField = (
  columnName: string,
  schema: ApiPropertyOptions,
  problemIn: (value: unknown) => string | undefined,
): OwnField => ({
  column: IntegerColumn({ name: columnName, nullable: true }),
  sentAs: [ApiPropertyOptional(schema), IsOptional(), hasNoProblem(problemIn)],
  shownAs: ApiProperty(schema),
});

const hasNoProblem =
  (problemIn: (value: unknown) => string | undefined): PropertyDecorator =>
  (target, property) =>
    registerDecorator({
      name: 'hasNoProblem',
      target: target.constructor,
      propertyName: String(property),
      validator: {
        validate: (value: unknown) => problemIn(value) === undefined,
        defaultMessage: (args) => problemIn(args?.value) ?? 'is invalid',
      },
    });

const ownOf = (fields: Fields) =>
  Object.entries<Field>(fields).flatMap(([name, { own, column }]) =>
    own && column !== null ? [{ name, own, column }] : [],
  );

/** Adds the columns of fields that no class declares to an entity. */
export const StoresFields =
  (fields: Fields): ClassDecorator =>
  (entity) => {
    for (const { own, column } of ownOf(fields)) own.column(entity.prototype as object, column);
  };

/** Adds the members of fields that no class declares to a response. */
export const ShowsFields =
  (fields: Fields): ClassDecorator =>
  (response) => {
    for (const { name, own } of ownOf(fields)) own.shownAs(response.prototype as object, name);
  };

/** Stores the fields of a body that no class declares: absent keeps, null clears. */
export function applyOwnFields(row: object, dto: object, fields: Fields): void {
  const [stored, sent] = [row, dto] as Record<string, unknown>[];
  for (const { name, column } of ownOf(fields)) if (sent![name] !== undefined) stored![column] = sent![name];
}

/** Returns the fields of a row that no class declares. A field that is not set is null. */
export const ownFieldsView = (fields: Fields, row: object): Record<string, unknown> =>
  Object.fromEntries(
    ownOf(fields).map(({ name, column }) => [name, (row as Record<string, unknown>)[column] ?? null]),
  );
