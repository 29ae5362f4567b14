import type { AnswerLimits, ModelCapacity } from '../policy/bound.js';
import type { ModelFacts } from '../policy/facts.js';
import { isDots } from '../config/providers.js';
import { matchesGlob } from '../policy/glob.js';
import { type GroupLevels, servesLevels } from '../policy/group-levels.js';
import type { NamesOf } from '../policy/entitlements.js';
import { SPECIAL_ENTRIES, type ModelNames } from '../policy/model-list.js';
import { ceilingOf, isFree, type Price } from '../policy/price.js';
import { BoundedMap } from '../cache/bounded-map.js';
import { type Deployment, namedDeployment } from './deployment.js';
import { AccessGroupIndex, type AccessGroupEntry } from './access-group-index.js';
import { capsWebSearches, feeOfModel, hidesModel } from './model-fees.js';
import { providerOfBareName } from './price-table.js';

/** Whose aliases apply to a request, beside the proxy's own. */
interface CallerAliases {
  readonly teamAliases: Readonly<Record<string, string>>;
  readonly keyAliases: Readonly<Record<string, string>>;
}

/** What is known of one public name. */
interface Entry {
  readonly deployments: readonly Deployment[];
  /** The team it is for; undefined: for everyone. */
  readonly teamId?: string | undefined;
  readonly groups: readonly string[];
  /** Those of each deployment; absent where they are in the same ones. */
  readonly deploymentGroups?: readonly (readonly string[])[];
  /** The same name for calls that some of the deployments serve, by the groups they are let in by. */
  readonly byGroups?: BoundedMap<string, Entry>;
  /** What lists are asked about where no alias made another name of it. */
  readonly requestedNames?: ModelNames;
  readonly ceiling: Price;
  readonly price: ModelFacts['price'];
  readonly limits: ModelCapacity;
}

const NO_ALIASES: CallerAliases = { teamAliases: {}, keyAliases: {} };
const MAX_WILDCARD_NAMES = 10_000;
/** Of one name: as many ways to be let in by groups. */
const MAX_GROUP_LEVELS = 1_000;
const NO_ENTRY: Entry = {
  deployments: [],
  groups: [],
  ceiling: ceilingOf([]),
  price: 'unknown',
  limits: { answers: [] },
};

/** Every model that can be called right now, compiled: looking a name up costs the same however many there are. */
export class CatalogueSnapshot {
  private readonly exact: ReadonlyMap<string, Entry>;
  private readonly wildcards: readonly {
    readonly glob: string;
    readonly deployments: readonly Deployment[];
  }[];
  private readonly groups: ReadonlySet<string>;
  private readonly groupIndex: AccessGroupIndex;
  /** Of each team the names it has models of its own under, and what those are called here. */
  private readonly teamNames = new Map<string, Record<string, string>>();
  private readonly wildcardEntries = new BoundedMap<string, Entry>(MAX_WILDCARD_NAMES);

  constructor(
    readonly deployments: readonly Deployment[],
    private readonly aliases: Readonly<Record<string, string>>,
    groups: readonly AccessGroupEntry[] = [],
  ) {
    this.groupIndex = new AccessGroupIndex(groups);
    this.groups = new Set([
      ...deployments.flatMap(({ accessGroups }) => accessGroups),
      ...groups.flatMap(({ tokens }) => tokens),
    ]);
    const byName = new Map<string, Deployment[]>();
    for (const deployment of deployments) {
      byName.set(deployment.modelName, [...(byName.get(deployment.modelName) ?? []), deployment]);
      const { team, modelName } = deployment;
      if (team) this.teamNames.set(team.id, { ...this.teamNames.get(team.id), [team.publicName]: modelName });
    }
    this.exact = new Map(
      [...byName]
        .filter(([name]) => !name.includes('*'))
        .map(([name, several]) => [name, this.entryOf(name, several)]),
    );
    this.wildcards = [...byName]
      .filter(([name]) => name.includes('*'))
      .map(([glob, several]) => ({ glob, deployments: several }))
      .sort((a, b) => b.glob.length - a.glob.length);
  }

  /**
   * The deployments that serve a name: those of exactly this name, else those of the most specific wildcard; with `within`
   * those of them that are in a group of each level.
   */
  resolve(name: string, within?: GroupLevels): readonly Deployment[] {
    return this.entry(name, within).deployments;
  }

  /** Is this the name, wildcard or alias of something that can be called? */
  serves(name: string): boolean {
    return (
      this.deployments.some(({ modelName }) => modelName === name) ||
      this.entry(aliased(this.aliases, name)) !== NO_ENTRY
    );
  }

  get isEmpty(): boolean {
    return !this.exact.size && !this.wildcards.length;
  }

  /** Every public name in configured order, aliases behind them, then the team's own. Wildcards are no names. */
  names(teamId: string | null = null): string[] {
    const everyones = [...this.exact].filter(([, { teamId: owner }]) => owner === undefined);
    return [
      ...new Set([
        ...everyones.map(([name]) => name),
        ...Object.keys(this.aliases),
        ...Object.keys(this.teamNamesOf(teamId)),
      ]),
    ];
  }

  private teamNamesOf(teamId: string | null): Readonly<Record<string, string>> {
    return (teamId !== null && this.teamNames.get(teamId)) || {};
  }

  /** What a list of models means by one of its entries. */
  readonly namesOf: NamesOf = (entry) => {
    const { aliasedNames: near, deploymentGroups } = this.modelFacts(entry, NO_ALIASES);
    return { ...near, isGroup: this.groups.has(entry), ...(deploymentGroups && { deploymentGroups }) };
  };

  ceilingOf(name: string, within?: GroupLevels): Price {
    return this.entry(name, within).ceiling;
  }

  priceOf(name: string, within?: GroupLevels): ModelFacts['price'] {
    return this.entry(name, within).price;
  }

  limits(name: string, within?: GroupLevels): ModelCapacity {
    return this.entry(name, within).limits;
  }

  /** Names whose price nobody knows. */
  unpriced(): string[] {
    return [...this.exact].filter(([, { price }]) => price === 'unknown').map(([name]) => name);
  }

  /**
   * What the rules ask about a requested name. Aliases are followed once per level: the team's, the key's, the proxy's.
   * A name that a key made up says nothing to any list; what a team made up says nothing to lists wider than the team's.
   * A model of the caller's own team comes before one everyone may know by that name.
   */
  modelFacts(
    requested: string,
    { teamAliases, keyAliases }: CallerAliases,
    teamId: string | null = null,
  ): Omit<ModelFacts, 'demand' | 'boundTokens'> {
    const viaTeam = aliased(teamAliases, requested);
    const viaKey = aliased(keyAliases, viaTeam);
    const own = aliased(this.teamNamesOf(teamId), viaKey);
    const name = own === viaKey ? aliased(this.aliases, viaKey) : own;
    const { groups, deploymentGroups, requestedNames, price, deployments, teamId: owner } = this.entry(name);
    const names = (known: readonly string[]): ModelNames =>
      requestedNames && known.every((one) => one === name) ? requestedNames : modelNames(name, known, groups);
    return {
      requested,
      name,
      known: deployments.length > 0 && (owner === undefined || owner === teamId),
      ...(owner !== undefined && { ofTeam: owner }),
      ...(deploymentGroups && { deploymentGroups }),
      aliasedNames: names(viaKey === viaTeam ? [requested, viaTeam, name] : [viaKey, name]),
      globalNames: names(owner === undefined ? [viaKey, name] : [name]),
      price,
    };
  }

  private entry(name: string, within?: GroupLevels): Entry {
    const whole = this.wholeEntry(name);
    const { byGroups, deploymentGroups, deployments } = whole;
    if (!within?.length || !byGroups || !deploymentGroups) return whole;
    const key = JSON.stringify(within);
    let entry = byGroups.get(key);
    if (!entry) {
      const serving = deployments.filter((_, i) => servesLevels(deploymentGroups[i]!, within));
      entry = serving.length ? this.entryOf(name, serving) : NO_ENTRY;
      byGroups.set(key, entry);
    }
    return entry;
  }

  private wholeEntry(name: string): Entry {
    const exact = this.exact.get(name);
    if (exact) return exact;
    if (!this.wildcards.length || name.includes('*') || SPECIAL_ENTRIES.has(name)) return NO_ENTRY;
    let entry = this.wildcardEntries.get(name);
    if (!entry) {
      const wildcard = this.wildcards.find(({ glob }) => matchesGlob(glob, name));
      const served = wildcard?.deployments
        .flatMap((deployment) => concrete(deployment, name) ?? [])
        .filter((deployment) => !hidesModel(deployment));
      entry = served?.length ? this.entryOf(name, served) : NO_ENTRY;
      this.wildcardEntries.set(name, entry);
    }
    return entry;
  }

  private entryOf(name: string, deployments: readonly Deployment[]): Entry {
    const prices = deployments.map(({ price }) => price);
    const known = prices.filter((price) => price !== undefined);
    const ceiling = ceilingOf(known);
    const most = (sizes: (number | undefined)[]) =>
      sizes.every((size) => size !== undefined) ? Math.max(...sizes) : undefined;
    const mostOfImage = most(deployments.map((deployment) => deployment.imageTokens));
    const maxInputTokens = most(deployments.map((deployment) => deployment.maxInputTokens));
    const fee = deployments.map(feeOfModel).find((one) => one !== undefined);
    const groupsOf = (some: readonly Deployment[]) =>
      this.groupIndex.tokensOf({
        name,
        qualifiedName: qualified(name),
        deploymentIds: some.map(({ id }) => id),
        tags: some.flatMap(({ accessGroups }) => accessGroups),
      });
    const groups = groupsOf(deployments);
    const deploymentGroups = deployments.map((deployment) => groupsOf([deployment]));
    const differ = deploymentGroups.some(({ length }) => length < groups.length);
    return {
      deployments,
      teamId: deployments[0]?.team?.id,
      groups,
      ...(differ && { deploymentGroups, byGroups: new BoundedMap<string, Entry>(MAX_GROUP_LEVELS) }),
      requestedNames: modelNames(name, [name], groups),
      ceiling,
      price: known.length < prices.length ? 'unknown' : isFree(ceiling) ? 'free' : 'priced',
      limits: {
        ...(maxInputTokens !== undefined && { maxInputTokens }),
        answers: distinctAnswers(deployments),
        ...(mostOfImage !== undefined && { imageTokens: mostOfImage }),
        ...(fee && { fee }),
        capsWebSearches: deployments.every(({ provider }) => capsWebSearches(provider)),
        thinksBesideLimit: deployments.some(({ provider }) => THINKS_BESIDE_LIMIT.has(provider)),
        encodesLikeOpenAi: deployments.every((deployment) => deployment.encodesLikeOpenAi),
      },
    };
  }
}

/**
 * A wildcard deployment for one name: the upstream's `*` becomes what the public name's `*` stood for. Undefined where that
 * names no model: nothing at all, or a step up in the path of an Azure deployment.
 */
function concrete(deployment: Deployment, name: string): Deployment | undefined {
  const [before = '', after = ''] = deployment.modelName.split('*');
  const matched = name.slice(before.length, name.length - after.length);
  const upstreamName = deployment.upstreamName.replace('*', () => matched);
  if (!matched || (deployment.apiVersion !== undefined && isDots(upstreamName))) return undefined;
  return namedDeployment(deployment, upstreamName);
}

/** Providers whose `max_tokens` limits the answer alone, and not what is thought before it. */
const THINKS_BESIDE_LIMIT: ReadonlySet<string> = new Set(['dashscope']);

/** The longest answers of some deployments, alike ones once. */
function distinctAnswers(deployments: readonly Deployment[]): readonly AnswerLimits[] {
  const distinct = new Map<string, AnswerLimits>();
  for (const { maxOutputTokens, answersFillContext, contextTokens, limitMember } of deployments) {
    const answer: AnswerLimits = {
      ...(maxOutputTokens !== undefined && { maxOutputTokens }),
      ...(answersFillContext && { answersFillContext }),
      ...(contextTokens !== undefined && { contextTokens }),
      limitMember,
    };
    distinct.set(JSON.stringify(answer), answer);
  }
  return [...distinct.values()];
}

const aliased = (aliases: Readonly<Record<string, string>>, name: string) =>
  Object.hasOwn(aliases, name) ? aliases[name]! : name;

function modelNames(name: string, known: readonly string[], groups: readonly string[]): ModelNames {
  const qualifiedName = qualified(name);
  return { names: [...new Set(known)], groups, ...(qualifiedName !== undefined && { qualifiedName }) };
}

function qualified(name: string): string | undefined {
  const provider = providerOfBareName(name);
  return provider && `${provider}/${name}`;
}
