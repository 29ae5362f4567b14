import { registerDecorator, type ValidationOptions } from 'class-validator';
import { hasBlankEnds } from '../policy/model-list.js';

/**
 * Declares a DTO field with names of models or groups. A name with blanks at its ends is invalid, because no call can
 * use it.
 */
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
