import { applyDecorators, type Type } from '@nestjs/common';
import { Transform, Type as TransformTo } from 'class-transformer';
import { ValidateNested } from 'class-validator';

/** A DTO field that takes one object of a DTO class, or a list of them, and always holds the list. */
export const IsOneOrMany = (dto: () => Type) =>
  applyDecorators(
    TransformTo(dto),
    ValidateNested({ each: true }),
    Transform(({ value }: { value: unknown }) =>
      value === undefined || Array.isArray(value) ? value : [value],
    ),
  );
