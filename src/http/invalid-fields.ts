import { UnprocessableEntityException } from '@nestjs/common';
import { MAX_TOLD } from '../policy/some-of.js';

/** One field of a request and what is wrong with it. */
export interface InvalidField {
  readonly field: string;
  readonly message: string;
}

const MAX_FIELD_CHARS = 256;

/** 422 that names the first fields that are wrong, and says what is wrong with each. */
export function invalidFields(problems: readonly InvalidField[]): UnprocessableEntityException {
  const fields = problems.slice(0, MAX_TOLD).map(({ field, message }) => ({
    field: shortened(field, MAX_FIELD_CHARS),
    message,
  }));
  const texts = fields.map(({ field, message }) => `${field}: ${message}`);
  if (problems.length > MAX_TOLD) texts.push(`and ${problems.length - MAX_TOLD} more`);
  return new UnprocessableEntityException({ message: texts.join('; '), fields });
}

/** Cuts a text between characters, not in the middle of one. */
export const shortened = (text: string, chars: number) => text.slice(0, chars).replace(/\p{Cs}$/u, '');
