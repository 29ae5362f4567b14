import { type Check, deny } from '../decision.js';
import { firstRefusing } from './model-is-allowed.js';

/** Every model the client names as a fallback is one it could have called itself, at every level. (The seed commit's purpose.) */
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
