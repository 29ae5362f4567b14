import { matchesGlob } from './glob.js';

/** No model, alias or access group has a longer name. */
export const MAX_NAME_CHARS = 512;

/** Blanks at the ends of a name: a wildcard would take them, and an upstream may drop them. */
export const hasBlankEnds = (name: string) => name !== name.trim();

/** One level's list of models, compiled once: exact names, wildcards, access groups, or `'any'`. */
export type ModelList = 'any' | CompiledModelList;

interface CompiledModelList {
  readonly names: ReadonlySet<string>;
  readonly globs: readonly string[];
  /** As configured, for messages. */
  readonly entries: readonly string[];
}

const NO_MODEL = 'no-default-models';
const EVERY_MODEL = new Set(['*', 'all-proxy-models']);
const TEAM_MODELS = 'all-team-models';

/** Names that are instructions, never models: nobody may call a model by them. */
export const SPECIAL_ENTRIES: ReadonlySet<string> = new Set([...EVERY_MODEL, TEAM_MODELS, NO_MODEL]);

/** Whose list it is, as far as that changes what its instructions mean. */
export interface ListPlace {
  /** The call is made with a key or token of a team. */
  readonly hasTeam: boolean;
  readonly ofUser?: boolean;
}

/**
 * Compiles a level's `models` as LiteLLM writes them. Absent or `[]` is unrestricted at this level; `*` and
 * `all-proxy-models` too. `no-default-models` allows nothing by itself; in a user's list it shuts every call without a
 * team, whatever stands beside it, and leaves calls of a team to the team. `all-team-models` leaves the choice to the
 * team, whose own list is asked anyway; where there is no team it opens nothing.
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

/** Does a list name every model there is, instead of leaving it open? */
export const saysEveryModel = (models: readonly string[] | null) =>
  models?.some((entry) => EVERY_MODEL.has(entry)) ?? false;

/** What a list is asked about: the spellings a level may know the model by, and what is known of it. */
export interface ModelNames {
  /** The requested name and what aliases made of it. One of them in the list is enough. */
  readonly names: readonly string[];
  /** `<provider>/<name>` for a bare name whose provider is known, so that `openai/*` admits `gpt-4o`. */
  readonly qualifiedName?: string;
  /** Access groups of the deployments that would serve it. */
  readonly groups: readonly string[];
}

export const listAllows = (list: ModelList, model: ModelNames): boolean =>
  list === 'any' || namesModel(list, model) || model.groups.some((group) => list.names.has(group));

/** The access groups by which alone a list lets a model in; undefined when it is not by groups alone. */
export const groupsAlone = (list: ModelList, model: ModelNames): readonly string[] | undefined =>
  list === 'any' || namesModel(list, model)
    ? undefined
    : model.groups.filter((group) => list.names.has(group));

const namesModel = (list: CompiledModelList, { names, qualifiedName }: ModelNames): boolean =>
  names.some((name) => list.names.has(name)) ||
  list.globs.some(
    (glob) =>
      names.some((name) => matchesGlob(glob, name)) ||
      (qualifiedName !== undefined && matchesGlob(glob, qualifiedName)),
  );
