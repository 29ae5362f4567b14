import { isRouteEntry } from '../policy/routes.js';
import type { Section } from './section.js';

const MAX_ROUTES = 1_000;

/** Reads a list of routes, patterns and groups. Any other word would allow or close nothing, so it is a problem. */
export function routeEntries(section: Section, key: string): string[] | undefined {
  const entries = section.texts(key);
  const wrong = entries?.find((entry) => !isRouteEntry(entry));
  if (wrong !== undefined)
    section.problem(
      key,
      `'${wrong}' is neither a route such as /v1/models nor a group such as openai_routes`,
    );
  if ((entries?.length ?? 0) > MAX_ROUTES) section.problem(key, `must have at most ${MAX_ROUTES} entries`);
  return entries;
}
