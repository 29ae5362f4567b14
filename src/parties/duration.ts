import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional, type ApiPropertyOptions } from '@nestjs/swagger';
import { registerDecorator } from 'class-validator';
import { lifetimeEnd, parseDuration } from '../calendar/windows.js';

export const DURATION_REQUIREMENT =
  'must be a number above zero and s, m, h, d, w or mo, e.g. 30d, or hourly, daily, weekly or monthly, and at most a hundred years (an empty text is none)';

const check =
  (name: string, isValid: (text: string) => boolean, requirement: string) =>
  (options: ApiPropertyOptions = {}) =>
    applyDecorators(
      ApiPropertyOptional({ nullable: true, type: String, example: '30d', ...options } as ApiPropertyOptions),
      (target: object, property: string | symbol) =>
        registerDecorator({
          name,
          target: target.constructor,
          propertyName: String(property),
          validator: {
            validate: (value: unknown) => typeof value === 'string' && isValid(value),
            defaultMessage: () => `${String(property)} ${requirement}`,
          },
        }),
    );

/**
 * Declares a DTO field with the length of a budget window: `30s`, `30m`, `24h`, `7d`, `2w`, `1mo`, `30days`, `monthly`; at
 * most a hundred years.
 */
export const IsDuration = check(
  'isDuration',
  (text) => parseDuration(text) !== undefined,
  DURATION_REQUIREMENT,
);

/** Declares a DTO field with the lifetime of a new row: a duration, or `-1` for no end. */
export const IsNewLifetime = check(
  'isNewLifetime',
  (text) => text === '-1' || parseDuration(text) !== undefined,
  `${DURATION_REQUIREMENT}, or -1 for no end`,
);

/** Declares a DTO field with the further lifetime of a row: the same, or zero, which ends it at once. */
export const IsLifetime = check(
  'isLifetime',
  (text) => text === '-1' || lifetimeEnd(new Date(0), text) !== undefined,
  `${DURATION_REQUIREMENT}, or 0s to end at once, or -1 for no end`,
);
