import { type Check, deny } from '../decision.js';
import { firstRefusing } from './model-is-allowed.js';

/** The client may call every model that it names as a fallback, at every level. (The purpose of the seed's commit.) */
export const fallbacksAreAllowed: Check = ({ parties, request }) => {
  for (const fallback of request?.fallbacks ?? []) {
    const denial = fallback.known
      ? firstRefusing(parties, fallback)
      : {
          code: 'model_unknown' as const,
          message: `Invalid fallback model name passed in fallbacks=${fallback.requested}. Call \`/v1/models\` to view available models for your key.`,
        };
    if (denial) return deny({ ...denial, param: 'fallbacks' });
  }
  return deny(undefined);
};
