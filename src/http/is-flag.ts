import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional, type ApiPropertyOptions } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsOptional } from 'class-validator';
import { laxFlag } from './lax-values.js';

/** Marks an optional field or query parameter that is true or false. */
export const IsFlag = (options: ApiPropertyOptions = {}) =>
  applyDecorators(
    ApiPropertyOptional({ type: Boolean, ...options } as ApiPropertyOptions),
    IsOptional(),
    Transform(({ value }) => laxFlag(value)),
    IsBoolean(),
  );
