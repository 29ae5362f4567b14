import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional, type ApiPropertyOptions } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';

/** A DTO field that may be left out, and else is one of these. */
export const IsOneOf = (values: readonly string[], options: ApiPropertyOptions = {}) =>
  applyDecorators(
    ApiPropertyOptional({ enum: [...values], ...options } as ApiPropertyOptions),
    IsOptional(),
    IsIn(values),
  );
