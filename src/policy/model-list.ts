import { matchesGlob } from './glob.js';

/** No model, alias or access group has a longer name. */
export const MAX_NAME_CHARS = 512;

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
export const INSTRUCTIONS: ReadonlySet<string> = new Set([...EVERY_MODEL, TEAM_MODELS, NO_MODEL]);

/**
 * Compiles a level's `models` as LiteLLM writes them. Absent or `[]` is unrestricted at this level; `*` and
 * `all-proxy-models` too. `no-default-models` allows nothing by itself. `all-team-models` leaves the choice to
 * the team, whose own list is asked anyway.
 */
export function compileModelList(models: readonly string[] | null | undefined): ModelList {
  if (!models?.length || models.some((entry) => EVERY_MODEL.has(entry) || entry === TEAM_MODELS))
    return 'any';
  const names = models.filter((entry) => entry !== NO_MODEL);
  return Object.freeze({
    names: new Set(names.filter((name) => !name.includes('*'))),
    globs: Object.freeze(names.filter((name) => name.includes('*'))),
    entries: Object.freeze([...models]),
  });
}

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

export function listAllows(list: ModelList, { names, qualifiedName, groups }: ModelNames): boolean {
  if (list === 'any') return true;
  return (
    names.some((name) => list.names.has(name)) ||
    groups.some((group) => list.names.has(group)) ||
    list.globs.some(
      (glob) =>
        names.some((name) => matchesGlob(glob, name)) ||
        (qualifiedName !== undefined && matchesGlob(glob, qualifiedName)),
    )
  );
}
