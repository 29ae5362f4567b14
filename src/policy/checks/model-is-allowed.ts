import { type Check, type Denial, deny, scopeOf, PARTY_LABEL } from '../decision.js';
import type { ModelFacts, Party } from '../facts.js';
import { namesFor, servesLevels } from '../group-levels.js';
import { groupsAlone, listAllows } from '../model-list.js';
import { someOf } from '../some-of.js';

/** Every party with a list of models has this model on it. (Seed check 2 and `can_key_call_model`.) */
export const modelIsAllowed: Check = ({ parties, request }) =>
  deny(request?.model && firstRefusing(parties, request.model));

/**
 * Returns the first party that denies the model: the one rule for key, member, team, user and organization. A level that
 * allows the model by access groups alone leaves only deployments of these groups. It denies if none is left.
 */
export function firstRefusing(
  parties: readonly Pick<Party, 'kind' | 'id' | 'models'>[],
  model: ModelFacts,
): Denial | undefined {
  let serving = model.deploymentGroups;
  const party = parties.find((one) => {
    const names = namesFor(one, model);
    if (!names) return false;
    if (!listAllows(one.models, names)) return true;
    const groups = serving && groupsAlone(one.models, names);
    if (!serving || !groups) return false;
    serving = serving.filter((its) => servesLevels(its, [groups]));
    return !serving.length;
  });
  return (
    party && {
      code: 'model_not_allowed',
      message: `${PARTY_LABEL[party.kind]}=${party.id} not allowed to call model=${model.requested}. Allowed ${party.kind} models = ${listed(party, model)}. The credential is valid: only the model is refused.`,
      param: 'model',
      scope: scopeOf(party),
    }
  );
}

/** Returns a list for people: access groups by their names. */
function listed({ models }: Pick<Party, 'models'>, { groupNames }: ModelFacts): string {
  if (models === 'any') return 'any';
  return `[${someOf(groupNames ? models.entries.map((entry) => groupNames.get(entry) ?? entry) : models.entries)}]`;
}
