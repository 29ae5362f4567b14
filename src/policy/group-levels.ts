import type { ModelFacts, Party } from './facts.js';
import { groupsAlone, type ModelNames } from './model-list.js';

/** The access groups of each level that allows a model by access groups alone. */
export type GroupLevels = readonly (readonly string[])[];

/** Returns the levels of these parties that allow a model by access groups alone. */
export const groupLevels = (
  parties: readonly Pick<Party, 'kind' | 'id' | 'models'>[],
  model: Pick<ModelFacts, 'aliasedNames' | 'globalNames' | 'ofTeam'>,
): GroupLevels =>
  parties.flatMap((party) => {
    const names = namesFor(party, model);
    const groups = names && groupsAlone(party.models, names);
    return groups ? [groups] : [];
  });

/** Tells whether a deployment in these groups serves the call: it must be in a group of every level. */
export const servesLevels = (groups: readonly string[], levels: GroupLevels) =>
  levels.every((level) => level.some((group) => groups.includes(group)));

/** Tells whether the same deployments serve two calls of a model. */
export const areSameLevels = (one: GroupLevels = [], other: GroupLevels = []) =>
  JSON.stringify(one) === JSON.stringify(other);

/** Returns the names of a model that a party's list is checked for; undefined if the model is the team's own. */
export function namesFor(
  { kind, id }: Pick<Party, 'kind' | 'id'>,
  { aliasedNames, globalNames, ofTeam }: Pick<ModelFacts, 'aliasedNames' | 'globalNames' | 'ofTeam'>,
): ModelNames | undefined {
  if (kind === 'team' && id === ofTeam) return undefined;
  return SEES_ALIASES.has(kind) ? aliasedNames : globalNames;
}

/** Kinds of parties whose lists see the names that team and key aliases made. */
const SEES_ALIASES: ReadonlySet<Party['kind']> = new Set(['key', 'member', 'team']);
