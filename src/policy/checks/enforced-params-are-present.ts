import { type Check, deny } from '../decision.js';

/** With `enforced_params`, every call that spends has each of these (dotted) members. (Seed check 6, second half.) */
export const enforcedParamsArePresent: Check = ({ request, route, settings }) => {
  if (!request || !route.callsModel || route.method !== 'POST') return deny(undefined);
  const missing = settings.enforcedParams.find((path) => !isPresent(path.split('.'), request.params));
  return deny(
    missing === undefined
      ? undefined
      : {
          code: 'param_missing',
          message: `BadRequest please pass param=${spelled(missing)} in request body. This is a required param`,
          param: missing,
        },
  );
};

function isPresent(path: readonly string[], body: unknown): boolean {
  let value = body;
  for (const name of path) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, name)) return false;
    value = (value as Record<string, unknown>)[name];
  }
  return value !== undefined && value !== null;
}

/** Formats `metadata.generation_name` as `[metadata][generation_name]`, as the seed did. */
const spelled = (path: string) =>
  path.includes('.')
    ? path
        .split('.')
        .map((name) => `[${name}]`)
        .join('')
    : path;
