import { registerDecorator, type ValidationOptions } from 'class-validator';
import { isRouteEntry } from '../policy/routes.js';

/** Declares a DTO field with a route, a pattern of routes, or a group of routes. */
export const IsRouteEntry = (validationOptions: ValidationOptions) => (target: object, property: string) =>
  registerDecorator({
    name: 'isRouteEntry',
    target: target.constructor,
    propertyName: property,
    options: validationOptions,
    validator: {
      validate: (entry: unknown) => typeof entry === 'string' && isRouteEntry(entry),
      defaultMessage: () =>
        `${property} may hold routes (/…), patterns of routes, and groups of routes that LiteLLM has`,
    },
  });
