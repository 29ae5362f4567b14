import { type Check, type Denial, deny, scopeOf, SUBJECT } from '../decision.js';
import type { ModelFacts, Party } from '../facts.js';
import { listAllows } from '../model-list.js';
import { someOf } from '../some-of.js';

/** Every party with a list of models has this one on it. (Seed check 2 and `can_key_call_model`.) */
export const modelIsAllowed: Check = ({ parties, request }) =>
  deny(request?.model && firstRefusing(parties, request.model));

/** The one rule about model access, for key, member, team, user and organization alike. */
export function firstRefusing(parties: readonly Party[], model: ModelFacts): Denial | undefined {
  const party = parties.find(
    ({ models, kind, id }) =>
      !(kind === 'team' && id === model.ofTeam) &&
      !listAllows(models, NEAR.has(kind) ? model.near : model.wide),
  );
  return (
    party && {
      code: 'model_not_allowed',
      message: `${SUBJECT[party.kind]}=${party.id} not allowed to call model=${model.requested}. Allowed ${party.kind} models = ${listed(party)}`,
      param: 'model',
      scope: scopeOf(party),
    }
  );
}

/** Whose lists see the names that team and key aliases made. */
const NEAR: ReadonlySet<Party['kind']> = new Set(['key', 'member', 'team']);

const listed = ({ models }: Party) => (models === 'any' ? 'any' : `[${someOf(models.entries)}]`);
