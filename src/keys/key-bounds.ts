import { BadRequestException } from '@nestjs/common';
import { secondsIn } from '../calendar/windows.js';
import type { KeyBounds, NewKeyDefaults } from '../config/config.js';
import type { KeyFieldsDto } from './keys.dto.js';

/** Fills what a new key's body leaves open: with the default, or else with the bound. */
export function withDefaults<T extends KeyFieldsDto>(dto: T, defaults: NewKeyDefaults, bounds: KeyBounds): T {
  const sent = Object.fromEntries(Object.entries(dto).filter(([, value]) => !isOpen(value)));
  return { ...dto, ...bounds, ...defaults, ...sent };
}

/** Throws 400 if a field exceeds the configured bound of all keys. An absent field keeps its value, so it passes. */
export function requireWithinBounds(dto: KeyFieldsDto, bounds: KeyBounds): void {
  for (const [field, bound] of Object.entries(bounds) as [keyof KeyBounds, string | number][]) {
    const requested = dto[field];
    if (requested === undefined || amount(requested) <= amount(bound)) continue;
    throw new BadRequestException({
      message: `${field} is over max limit set in config (upperbound_key_generate_params) - user_value=${requested}; max_value=${bound}`,
      param: field,
    });
  }
}

/** Returns the amount to compare. Null is no limit, and `-1` is no end. */
function amount(value: string | number | null): number {
  if (value === null || value === '-1') return Infinity;
  return typeof value === 'number' ? value : secondsIn(value);
}

const isOpen = (value: unknown) =>
  value === undefined || value === null || (Array.isArray(value) && !value.length);
