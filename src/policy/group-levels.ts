import type { ModelFacts, Party } from './facts.js';
import { groupsAlone, type ModelNames } from './model-list.js';

/** Of each level that lets a model in by access groups alone, those groups. */
export type GroupLevels = readonly (readonly string[])[];

/** The levels of these parties that let a model in by access groups alone. */
export const groupLevels = (
  parties: readonly Pick<Party, 'kind' | 'id' | 'models'>[],
  model: Pick<ModelFacts, 'aliasedNames' | 'globalNames' | 'ofTeam'>,
): GroupLevels =>
  parties.flatMap((party) => {
    const names = namesFor(party, model);
    const groups = names && groupsAlone(party.models, names);
    return groups ? [groups] : [];
  });

/** Tells whether a deployment in these groups serves a call that was let in so: it is in a group of every level. */
export const servesLevels = (groups: readonly string[], levels: GroupLevels) =>
  levels.every((level) => level.some((group) => groups.includes(group)));

/** Tells whether two calls are served by the same deployments of a model. */
export const areSameLevels = (one: GroupLevels = [], other: GroupLevels = []) =>
  JSON.stringify(one) === JSON.stringify(other);

/** The spellings of a model that a party's list is asked about; undefined: the model is the team's own. */
export function namesFor(
  { kind, id }: Pick<Party, 'kind' | 'id'>,
  {
    aliasedNames: near,
    globalNames: wide,
    ofTeam,
  }: Pick<ModelFacts, 'aliasedNames' | 'globalNames' | 'ofTeam'>,
): ModelNames | undefined {
  if (kind === 'team' && id === ofTeam) return undefined;
  return NEAR.has(kind) ? near : wide;
}

/** Parties whose lists see the names that team and key aliases made. */
const NEAR: ReadonlySet<Party['kind']> = new Set(['key', 'member', 'team']);
