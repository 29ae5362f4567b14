import { addressIsAllowed } from './checks/address-is-allowed.js';
import { budgetsHaveRoom } from './checks/budgets-have-room.js';
import { credentialIsKnown } from './checks/credential-is-known.js';
import { endUserIsNamed } from './checks/end-user-is-named.js';
import { enforcedParamsArePresent } from './checks/enforced-params-are-present.js';
import { fallbacksAreAllowed } from './checks/fallbacks-are-allowed.js';
import { keyIsNotBlocked } from './checks/key-is-not-blocked.js';
import { keyIsNotExpired } from './checks/key-is-not-expired.js';
import { keyIsWithinAllowedHours } from './checks/key-is-within-allowed-hours.js';
import { modelIsAllowed } from './checks/model-is-allowed.js';
import { modelIsKnown } from './checks/model-is-known.js';
import { modelHasPrice } from './checks/model-has-price.js';
import { nobodyIsBlocked } from './checks/nobody-is-blocked.js';
import { partiesExist } from './checks/parties-exist.js';
import { proxyServesRoute } from './checks/proxy-serves-route.js';
import { rateLimitsHaveRoom } from './checks/rate-limits-have-room.js';
import { requestIsWellFormed } from './checks/request-is-well-formed.js';
import { routeIsAllowed } from './checks/route-is-allowed.js';
import type { Check, Enforcer } from './decision.js';

/** Every check of the product, in the order in which its denial counts. */
export const policy: readonly { readonly check: Check; readonly enforcer: Exclude<Enforcer, 'hold'> }[] = [
  { check: addressIsAllowed, enforcer: 'AuthChecksGuard' },
  { check: credentialIsKnown, enforcer: 'AuthChecksGuard' },
  { check: keyIsNotExpired, enforcer: 'AuthChecksGuard' },
  { check: keyIsNotBlocked, enforcer: 'AuthChecksGuard' },
  { check: proxyServesRoute, enforcer: 'AuthChecksGuard' },
  { check: routeIsAllowed, enforcer: 'AuthChecksGuard' },
  { check: partiesExist, enforcer: 'AuthChecksGuard' },
  { check: nobodyIsBlocked, enforcer: 'AuthChecksGuard' },
  { check: keyIsWithinAllowedHours, enforcer: 'AuthChecksGuard' },
  { check: requestIsWellFormed, enforcer: 'AuthChecksGuard' },
  { check: endUserIsNamed, enforcer: 'AuthChecksGuard' },
  { check: enforcedParamsArePresent, enforcer: 'AuthChecksGuard' },
  { check: modelIsAllowed, enforcer: 'ModelAccessGuard' },
  { check: fallbacksAreAllowed, enforcer: 'ModelAccessGuard' },
  { check: modelIsKnown, enforcer: 'ModelAccessGuard' },
  { check: modelHasPrice, enforcer: 'ModelAccessGuard' },
  { check: budgetsHaveRoom, enforcer: 'ModelAccessGuard' },
  { check: rateLimitsHaveRoom, enforcer: 'ModelAccessGuard' },
];
