import { type Check, type Denial, PASS } from '../decision.js';
import { hasRoom, neededOf, type RateFacts, type RateUnit } from '../rates.js';

/** Every rate limit behind the request has room for one more call and its tokens. */
export const rateLimitsHaveRoom: Check = ({ rates, request, route }) => {
  const { model } = request ?? {};
  if (!model || !route.callsModel || !rates.length) return PASS;
  const full = rates.filter((rate) => !hasRoom(rate, rate.used, model.boundTokens));
  return full.length
    ? { denials: full.map((rate) => rateDenial(rate, model.boundTokens)), rates }
    : { denials: [], rates };
};

/** Returns the denial of a full limit. The code that takes the slots uses the same words. */
export function rateDenial(rate: RateFacts, tokens: number): Denial {
  const { scope, unit, limit, used, model } = rate;
  return {
    code: 'rate_limit_exceeded',
    message:
      `Rate limit exceeded for ${scope.kind}=${scope.id}${model === undefined ? '' : `, model=${model}`}: ${UNIT[unit]} ` +
      `limit=${limit}, used=${used}, this call needs ${neededOf(rate, tokens)}.`,
    scope,
    rate,
    // A limit of zero never has room.
    temporary: limit > 0,
  };
}

const UNIT: Record<RateUnit, string> = {
  requests: 'requests per minute',
  tokens: 'tokens per minute',
  running: 'parallel requests',
};
