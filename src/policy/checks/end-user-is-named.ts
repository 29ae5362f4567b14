import { type Check, deny } from '../decision.js';

/** With `enforce_user_param`, every call that spends names its end user. (Seed check 6.) */
export const endUserIsNamed: Check = ({ request, route, settings }) =>
  deny(
    settings.enforceUserParam &&
      route.callsModel &&
      route.method === 'POST' &&
      request &&
      !isName(request.params.user)
      ? {
          code: 'param_missing',
          message: "'user' param not passed in. 'enforce_user_param'=True",
          param: 'user',
        }
      : undefined,
  );

const isName = (user: unknown) => typeof user === 'string' && user !== '';
