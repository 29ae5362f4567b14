import { isOpen, nextOpening } from '../allowed-hours.js';
import { type Check, deny, PARTY_LABEL, scopeOf } from '../decision.js';

/** The key, its team and its user may all call at this hour. */
export const keyIsWithinAllowedHours: Check = ({ parties, now }) => {
  const closed = parties.find(({ rules }) => rules?.allowedHours && !isOpen(rules.allowedHours, now));
  if (!closed) return deny(undefined);
  const resetsAt = nextOpening(
    parties.flatMap(({ rules }) => rules?.allowedHours ?? []),
    now,
  );
  return deny({
    code: 'outside_allowed_hours',
    message: `${PARTY_LABEL[closed.kind]}=${closed.id} is outside its allowed_hours. ${resetsAt ? `Calls are allowed again at ${resetsAt.toISOString()}` : 'No call is allowed within the next two weeks'}.`,
    scope: scopeOf(closed),
    ...(resetsAt && { resetsAt }),
  });
};
