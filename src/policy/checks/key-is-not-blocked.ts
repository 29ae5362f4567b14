import { type Check, deny } from '../decision.js';

/** The key itself is not blocked. */
export const keyIsNotBlocked: Check = ({ credential }) =>
  deny(
    credential.kind === 'key' && credential.blocked
      ? {
          code: 'key_blocked',
          message: "Key is blocked. Update via `/key/unblock` if you're an admin.",
          scope: { kind: 'key', id: credential.hint },
        }
      : undefined,
  );
