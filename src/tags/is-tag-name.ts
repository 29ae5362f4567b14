import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { registerDecorator } from 'class-validator';
import { isTagName, MAX_TAG_CHARS } from '../policy/tag-name.js';

/** Declares a DTO field with the name of a tag. */
export const IsTagName = () =>
  applyDecorators(
    ApiProperty({ type: String, minLength: 1, maxLength: MAX_TAG_CHARS, example: 'batch' }),
    (target: object, property: string | symbol) =>
      registerDecorator({
        name: 'isTagName',
        target: target.constructor,
        propertyName: String(property),
        validator: {
          validate: isTagName,
          defaultMessage: () =>
            `${String(property)} must be a text of 1 to ${MAX_TAG_CHARS} characters, none of them a control character`,
        },
      }),
  );
