import { UnprocessableEntityException } from '@nestjs/common';
import { MAX_LISTED } from '../policy/some-of.js';

/** One field of a request and its problem. */
export interface InvalidField {
  readonly field: string;
  readonly message: string;
}

const MAX_FIELD_CHARS = 256;

/** Returns a 422 error that names the first invalid fields and the problem of each. */
export function invalidFields(problems: readonly InvalidField[]): UnprocessableEntityException {
  const fields = problems.slice(0, MAX_LISTED).map(({ field, message }) => ({
    field: shortened(field, MAX_FIELD_CHARS),
    message,
  }));
  const texts = fields.map(({ field, message }) => `${field}: ${message}`);
  if (problems.length > MAX_LISTED) texts.push(`and ${problems.length - MAX_LISTED} more`);
  return new UnprocessableEntityException({ message: texts.join('; '), fields });
}

/** Cuts a text to a number of characters, but never within a surrogate pair. */
export const shortened = (text: string, chars: number) => text.slice(0, chars).replace(/\p{Cs}$/u, '');
