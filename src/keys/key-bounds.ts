import { BadRequestException } from '@nestjs/common';
import { secondsIn } from '../calendar/windows.js';
import type { KeyBounds, NewKeyDefaults } from '../config/config.js';
import type { KeyFieldsDto } from './keys.dto.js';

/** A new key's body with what it leaves open: the defaults, else as much as the bounds allow. */
export function withDefaults<T extends KeyFieldsDto>(dto: T, defaults: NewKeyDefaults, bounds: KeyBounds): T {
  const sent = Object.fromEntries(Object.entries(dto).filter(([, value]) => !isOpen(value)));
  return { ...dto, ...bounds, ...defaults, ...sent };
}

/** 400 for a field that is more than the configuration lets any key have. Absent keeps, so it passes. */
export function requireWithinBounds(dto: KeyFieldsDto, bounds: KeyBounds): void {
  for (const [field, most] of Object.entries(bounds) as [keyof KeyBounds, string | number][]) {
    const asked = dto[field];
    if (asked === undefined || amount(asked) <= amount(most)) continue;
    throw new BadRequestException({
      message: `${field} is over max limit set in config (upperbound_key_generate_params) - user_value=${asked}; max_value=${most}`,
      param: field,
    });
  }
}

/** Null is no limit, and `-1` for ever. */
function amount(value: string | number | null): number {
  if (value === null || value === '-1') return Infinity;
  return typeof value === 'number' ? value : secondsIn(value);
}

const isOpen = (value: unknown) =>
  value === undefined || value === null || (Array.isArray(value) && !value.length);
