import { v7 as uuidv7 } from 'uuid';

/**
 * Returns a new id that errors may contain: a UUIDv7 without `404`. Terraform's provider for LiteLLM takes any error text
 * with `404` for a missing resource, and drops the resource from its state.
 */
export function newId(): string {
  return withoutNotFound(uuidv7());
}

/** Replaces the zero of each `404`; the version and the variant of the UUID are never in one. */
export const withoutNotFound = (uuid: string): string =>
  uuid.includes('404') ? uuid.replace(/40(?=4)/g, '4c') : uuid;
