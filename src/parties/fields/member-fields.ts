import type { Fields } from './field.js';
import { MAX_ENTRIES, name } from './field-templates.js';
import { limitFields } from './limit-fields.js';
import { partyFields } from './party-fields.js';

const limits = limitFields('teamAdmin');

/**
 * Every field of `/team/member_add` and `/team/member_update`. Members create nothing. A member's share is within the
 * team's.
 */
export const MEMBER_FIELDS = {
  team_id: name('teamId', 'teamAdmin'),
  user_id: name('userId', 'teamAdmin'),
  user_email: { ...name(null, 'teamAdmin'), shownAs: 'user_email' },
  role: {
    type: 'text',
    column: 'role',
    setBy: 'teamAdmin',
    limits: false,
    passedOn: { because: 'a team admin makes others admins of the same team' },
  },
  member: {
    type: 'list',
    column: null,
    setBy: 'teamAdmin',
    shownAs: null,
    maxEntries: MAX_ENTRIES,
    names: 'member',
    limits: false,
    passedOn: { because: 'names users whom the caller administers' },
  },
  model_max_budget: {
    ...limits.model_max_budget,
    column: null,
    shownAs: null,
    passedOn: { because: 'refused, because nothing enforces it' },
  },
  max_budget_in_team: limits.max_budget,
  budget_duration: {
    ...limits.budget_duration,
    passedOn: { ...limits.budget_duration.passedOn, inherit: { with: 'max_budget_in_team' } },
  },
  tpm_limit: limits.tpm_limit,
  rpm_limit: limits.rpm_limit,
  allowed_models: partyFields({ limits: 'teamAdmin', metadata: 'teamAdmin' }).models,
} as const satisfies Fields;
