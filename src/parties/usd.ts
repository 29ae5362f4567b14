import { applyDecorators, UnprocessableEntityException } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { registerDecorator } from 'class-validator';
import { laxNumber } from '../http/lax-values.js';
import { MAX_NANO_USD, type NanoUsd, nanoUsdFromUsd, usdFromNanoUsd, usdText } from '../policy/money.js';

export const USD_REQUIREMENT = `must be an amount in USD: a number from 0 to ${usdText(MAX_NANO_USD)} with at most 9 decimals`;

/** Declares a DTO field of US dollars: zero or more, at most 9 decimals, within 64 bits of nano-dollars. */
export const IsUsd = (options: ApiPropertyOptions = {}) =>
  applyDecorators(
    ApiProperty({ type: Number, minimum: 0, example: 10, ...options } as ApiPropertyOptions),
    Transform(({ value }) => laxNumber(value)),
    (target: object, property: string | symbol) =>
      registerDecorator({
        name: 'isUsd',
        target: target.constructor,
        propertyName: String(property),
        validator: {
          validate: (value: unknown) => nanoUsdFromUsd(value) !== undefined,
          defaultMessage: () => `${String(property)} ${USD_REQUIREMENT}`,
        },
      }),
  );

/** Converts a validated USD field to nano-dollars; null stays null. */
export function toNanoUsd(usd: number): NanoUsd;
export function toNanoUsd(usd: number | null): NanoUsd | null;
export function toNanoUsd(usd: number | null): NanoUsd | null {
  if (usd === null) return null;
  const amount = nanoUsdFromUsd(usd);
  if (amount === undefined) throw new UnprocessableEntityException(`${usd} is not an amount in USD`);
  return amount;
}

/** Converts nano-dollars to the USD number on the wire; null stays null. */
export function toUsd(amount: NanoUsd): number;
export function toUsd(amount: NanoUsd | null): number | null;
export function toUsd(amount: NanoUsd | null): number | null {
  return amount === null ? null : usdFromNanoUsd(amount);
}
