import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional, type ApiPropertyOptions } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsOptional, registerDecorator } from 'class-validator';
import { laxInteger } from '../http/lax-values.js';

/** The largest requests or tokens per minute. LiteLLM's columns have 64 bits; JSON numbers are exact up to here. */
export const MAX_RATE = Number.MAX_SAFE_INTEGER;

/** The most calls at the same time: LiteLLM's column has 32 bits. */
export const MAX_PARALLEL = 2_147_483_647;

/** Tells whether a value is a rate: a whole number, zero or more. */
export const isRate = (value: unknown, most = MAX_RATE): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most;

export const rateRequirement = (most = MAX_RATE) => `must be a whole number from 0 to ${most}`;

/** Declares an optional DTO field with a rate. */
export const IsRate = ({
  most = MAX_RATE,
  ...options
}: ApiPropertyOptions & { readonly most?: number } = {}) =>
  applyDecorators(
    ApiPropertyOptional({ nullable: true, type: Number, ...options } as ApiPropertyOptions),
    IsOptional(),
    Transform(({ value }) => laxInteger(value)),
    (target: object, property: string | symbol) =>
      registerDecorator({
        name: 'isRate',
        target: target.constructor,
        propertyName: String(property),
        validator: {
          validate: (value: unknown) => isRate(value, most),
          defaultMessage: () => `${String(property)} ${rateRequirement(most)}`,
        },
      }),
  );
