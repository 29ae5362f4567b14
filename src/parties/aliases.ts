import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { registerDecorator } from 'class-validator';
import { hasBlankEnds, MAX_NAME_CHARS } from '../policy/model-list.js';

const MAX_ALIASES = 1_000;

/** Declares a DTO field that maps names to models: `{"fast": "gpt-4o-mini"}`. */
export const IsAliases = () =>
  applyDecorators(
    ApiPropertyOptional({ nullable: true, type: 'object', additionalProperties: { type: 'string' } }),
    (target: object, property: string | symbol) =>
      registerDecorator({
        name: 'isAliases',
        target: target.constructor,
        propertyName: String(property),
        validator: {
          validate: isAliases,
          defaultMessage: () =>
            `${String(property)} must map names to models, both non-empty texts without blanks at their ends`,
        },
      }),
  );

function isAliases(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value as Record<string, unknown>);
  return entries.length <= MAX_ALIASES && entries.flat().every(isName);
}

const isName = (text: unknown) =>
  typeof text === 'string' && text !== '' && text.length <= MAX_NAME_CHARS && !hasBlankEnds(text);
