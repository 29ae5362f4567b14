import { matchesGlob } from '../policy/glob.js';

/** An access group as the catalogue needs it. */
export interface AccessGroupEntry {
  /** The names by which lists refer to it: its name and its id. */
  readonly tokens: readonly string[];
  /** Entries as in any list of models. An empty list contains no model. */
  readonly models: readonly string[];
  readonly deploymentIds: readonly string[];
}

/** The properties of a model by which it is in groups. */
interface IndexedModel {
  readonly name: string;
  /** `<provider>/<name>` of a bare name whose provider is known. */
  readonly qualifiedName?: string | undefined;
  readonly deploymentIds: readonly string[];
  /** `model_info.access_groups` of its deployments. */
  readonly tags: readonly string[];
}

/** Finds the groups of a model without a search through all groups. */
export class AccessGroupIndex {
  private readonly byName = new Map<string, string[]>();
  private readonly byDeployment = new Map<string, string[]>();
  private readonly byGlob: { readonly glob: string; readonly tokens: readonly string[] }[] = [];

  constructor(groups: readonly AccessGroupEntry[]) {
    for (const { tokens, models, deploymentIds } of groups) {
      for (const id of deploymentIds) put(this.byDeployment, id, tokens);
      for (const entry of models) {
        const glob = entry === 'all-proxy-models' ? '*' : entry;
        if (glob.includes('*')) this.byGlob.push({ glob, tokens });
        else put(this.byName, glob, tokens);
      }
    }
  }

  /** Returns the names and ids of the groups whose lists have one of these names. */
  tokensOfNames(names: readonly string[]): string[] {
    if (!this.byName.size && !this.byGlob.length) return NO_TOKENS;
    return names.flatMap((name) => this.tokensOf({ name, deploymentIds: [], tags: [] }));
  }

  /** Returns the tags of a model, and the names and ids of its groups. */
  tokensOf({ name, qualifiedName, deploymentIds, tags }: IndexedModel): string[] {
    const isLike = (glob: string) =>
      matchesGlob(glob, name) || (qualifiedName !== undefined && matchesGlob(glob, qualifiedName));
    return [
      ...new Set([
        ...tags,
        ...[name, ...tags].flatMap((entry) => this.byName.get(entry) ?? []),
        ...deploymentIds.flatMap((id) => this.byDeployment.get(id) ?? []),
        ...this.byGlob.flatMap(({ glob, tokens }) => (isLike(glob) ? tokens : [])),
      ]),
    ];
  }
}

const NO_TOKENS: string[] = [];

const put = (map: Map<string, string[]>, key: string, tokens: readonly string[]) =>
  map.set(key, [...(map.get(key) ?? []), ...tokens]);
