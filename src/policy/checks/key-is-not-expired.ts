import { type Check, deny } from '../decision.js';

/** The key's lifetime is not over. */
export const keyIsNotExpired: Check = ({ credential, now }) =>
  deny(
    credential.kind === 'key' && credential.expiresAt && credential.expiresAt <= now
      ? {
          code: 'key_expired',
          message: `Authentication Error - Expired Key. Key Expiry time ${credential.expiresAt.toISOString()} and current time ${now.toISOString()}`,
          param: credential.hint,
        }
      : undefined,
  );
