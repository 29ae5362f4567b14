import { matchesGlob } from '../policy/glob.js';

/** An access group as the catalogue needs it. */
export interface AccessGroupEntry {
  /** What lists name it by: its name and its id. */
  readonly tokens: readonly string[];
  /** Entries as in any list of models. None: no model is in it. */
  readonly models: readonly string[];
  readonly deploymentIds: readonly string[];
}

/** What is known of a model that may be in groups. */
interface IndexedModel {
  readonly name: string;
  /** `<provider>/<name>` of a bare name whose provider is known. */
  readonly qualifiedName?: string | undefined;
  readonly deploymentIds: readonly string[];
  /** `model_info.access_groups` of its deployments. */
  readonly tags: readonly string[];
}

/** Which groups a model is in, without asking every group. */
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

  /** The tags of a model, and the names and ids of the groups it is in. */
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

const put = (map: Map<string, string[]>, key: string, tokens: readonly string[]) =>
  map.set(key, [...(map.get(key) ?? []), ...tokens]);
