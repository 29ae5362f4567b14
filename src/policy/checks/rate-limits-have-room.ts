import { type Check, type Denial, PASS } from '../decision.js';
import { type CallTokens, hasRoom, neededOf, type RateFacts, type RateUnit, withNeed } from '../rates.js';

/** Every rate limit behind the request has room for one more call and its tokens. */
export const rateLimitsHaveRoom: Check = ({ rates, request, route }) => {
  const { model } = request ?? {};
  if (!model || !route.callsModel || !rates.length) return PASS;
  const denials = rates
    .filter((rate) => !hasRoom(rate, rate.used, model))
    .map((rate) => rateDenial(rate, model));
  return { denials, rates: rates.map((rate) => withNeed(rate, model)) };
};

/** Returns the denial of a full limit. The code that takes the slots uses the same words. */
export function rateDenial(rate: RateFacts, call: CallTokens): Denial {
  const { scope, unit, limit, used, model } = rate;
  const needed = neededOf(rate, call);
  const most =
    unit === 'tokens' && call.boundTokens > needed ? ` It may use up to ${call.boundTokens} tokens.` : '';
  return {
    code: 'rate_limit_exceeded',
    message:
      `Rate limit exceeded for ${scope.kind}=${scope.id}${model === undefined ? '' : `, model=${model}`}: ${UNIT[unit]} ` +
      `limit=${limit}, used=${used}, this call needs ${needed}.${most}`,
    scope,
    rate: withNeed(rate, call),
    // A limit of zero never has room.
    temporary: limit > 0,
  };
}

const UNIT: Record<RateUnit, string> = {
  requests: 'requests per minute',
  tokens: 'tokens per minute',
  running: 'parallel requests',
};
