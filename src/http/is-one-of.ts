import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional, type ApiPropertyOptions } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';

/** Marks an optional DTO field that is one of these values. */
export const IsOneOf = (values: readonly string[], options: ApiPropertyOptions = {}) =>
  applyDecorators(
    ApiPropertyOptional({ enum: [...values], ...options } as ApiPropertyOptions),
    IsOptional(),
    IsIn(values),
  );
