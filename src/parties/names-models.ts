import { registerDecorator, type ValidationOptions } from 'class-validator';
import { hasBlankEnds } from '../policy/model-list.js';

/** A DTO field with names of models or groups: none has blanks at its ends, because no call may name it so. */
export const NamesModels =
  (validationOptions: ValidationOptions = {}) =>
  (target: object, property: string | symbol): void =>
    registerDecorator({
      name: 'namesModels',
      target: target.constructor,
      propertyName: String(property),
      options: validationOptions,
      validator: {
        validate: (name: unknown) => typeof name !== 'string' || !hasBlankEnds(name),
        defaultMessage: () => `${String(property)} must have no blanks at the ends of a name`,
      },
    });
