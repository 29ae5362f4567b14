import { ApiPropertyOptional } from '@nestjs/swagger';
import { type Field, type Fields, WIRE_TYPES } from './field.js';

/** Adds the fields in a row's `extra` column to the schema of a response class. The class itself declares the others. */
export const ShowsExtraFields =
  (fields: Fields): ClassDecorator =>
  ({ prototype }) => {
    for (const [name, field] of Object.entries(fields))
      if (field.column === 'extra' && field.shownAs !== null && !isDeclared(prototype as object, name))
        ApiPropertyOptional(schemaOf(field))(prototype as object, field.shownAs ?? name);
  };

const isDeclared = (prototype: object, name: string) =>
  Reflect.hasMetadata('swagger/apiModelProperties', prototype, name);

function schemaOf({ type }: Field) {
  const wireType = WIRE_TYPES[type];
  if (wireType === 'array') return { type: 'array', items: {} } as const;
  return wireType === 'object'
    ? ({ type: 'object', additionalProperties: true } as const)
    : ({ type: wireType } as const);
}
