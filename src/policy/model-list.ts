import { matchesGlob } from './glob.js';

/** The longest name of a model, alias or access group. */
export const MAX_NAME_CHARS = 512;

/** Tells whether a name begins or ends with blanks. A wildcard would match them, and an upstream may drop them. */
export const hasBlankEnds = (name: string) => name !== name.trim();

/** A list of models of one level, compiled once: exact names, wildcards, access groups, or `'any'`. */
export type ModelList = 'any' | CompiledModelList;

interface CompiledModelList {
  readonly names: ReadonlySet<string>;
  readonly globs: readonly string[];
  /** The list as configured, for messages. */
  readonly entries: readonly string[];
}

const NO_MODEL = 'no-default-models';
const EVERY_MODEL = new Set(['*', 'all-proxy-models']);
const TEAM_MODELS = 'all-team-models';

/** Entries with a special meaning. No model can have one of these names. */
export const SPECIAL_ENTRIES: ReadonlySet<string> = new Set([...EVERY_MODEL, TEAM_MODELS, NO_MODEL]);

/** The owner of a list, as far as it changes what special entries mean. */
export interface ListPlace {
  /** A key or token of a team makes the call. */
  readonly hasTeam: boolean;
  readonly ofUser?: boolean;
}

/**
 * Compiles a level's `models` as LiteLLM writes them. Absent, `[]`, `*` and `all-proxy-models` do not restrict this
 * level. `no-default-models` allows nothing by itself; in a user's list it denies every call without a team and leaves
 * calls of a team to the team. `all-team-models` leaves the choice to the team, whose own list is checked anyway; without
 * a team it allows nothing.
 */
export function compileModelList(
  models: readonly string[] | null | undefined,
  { hasTeam, ofUser = false }: ListPlace = IN_TEAM,
): ModelList {
  if (!models?.length) return 'any';
  if (ofUser && models.includes(NO_MODEL)) return hasTeam ? 'any' : listOf([], models);
  if (models.some((entry) => EVERY_MODEL.has(entry) || (hasTeam && entry === TEAM_MODELS))) return 'any';
  return listOf(
    models.filter((entry) => entry !== NO_MODEL && entry !== TEAM_MODELS),
    models,
  );
}

const IN_TEAM: ListPlace = { hasTeam: true };

/** Tells whether a list means something else for calls of a team than for calls without one. */
export const dependsOnTeam = (models: readonly string[] | null, ofUser: boolean) =>
  models?.some((entry) => entry === TEAM_MODELS || (ofUser && entry === NO_MODEL)) ?? false;

const listOf = (names: readonly string[], entries: readonly string[]): CompiledModelList =>
  Object.freeze({
    names: new Set(names.filter((name) => !name.includes('*'))),
    globs: Object.freeze(names.filter((name) => name.includes('*'))),
    entries: Object.freeze([...entries]),
  });

/** Tells whether a list names every model, instead of being absent. */
export const saysEveryModel = (models: readonly string[] | null) =>
  models?.some((entry) => EVERY_MODEL.has(entry)) ?? false;

/** The names by which a level may know a model. */
export interface ModelNames {
  /** The requested name, and the names that aliases made of it. A list must have one of them. */
  readonly names: readonly string[];
  /** `<provider>/<name>` for a bare name of a known provider, so that `openai/*` allows `gpt-4o`. */
  readonly qualifiedName?: string;
  /** The id by which one deployment is called. An entry must be exactly this: a wildcard is about names. */
  readonly deploymentId?: string;
  /** Access groups whose list has one of these names, although not the served one. They contain all its deployments. */
  readonly groupsOfAlias?: readonly string[];
  /** Access groups of the deployments that would serve it. */
  readonly groups: readonly string[];
}

export const listAllows = (list: ModelList, model: ModelNames): boolean =>
  list === 'any' || namesModel(list, model) || model.groups.some((group) => list.names.has(group));

/** Returns the access groups by which alone a list allows a model; undefined if it also allows it by name. */
export const groupsAlone = (list: ModelList, model: ModelNames): readonly string[] | undefined =>
  list === 'any' || namesModel(list, model)
    ? undefined
    : model.groups.filter((group) => list.names.has(group));

const namesModel = (
  list: CompiledModelList,
  { names, qualifiedName, deploymentId, groupsOfAlias }: ModelNames,
): boolean =>
  names.some((name) => list.names.has(name)) ||
  (groupsOfAlias?.some((group) => list.names.has(group)) ?? false) ||
  (deploymentId !== undefined && list.names.has(deploymentId)) ||
  list.globs.some(
    (glob) =>
      names.some((name) => matchesGlob(glob, name)) ||
      (qualifiedName !== undefined && matchesGlob(glob, qualifiedName)),
  );
