import type { AnswerLimits, ModelCapacity } from '../policy/bound.js';
import type { ModelFacts } from '../policy/facts.js';
import { hasOtherPrefix, isDots, isHostOfOpenAi, targetApi } from '../config/providers.js';
import { matchesGlob, textsOfStars } from '../policy/glob.js';
import { type GroupLevels, servesLevels } from '../policy/group-levels.js';
import type { NamesOf } from '../policy/entitlements.js';
import { SPECIAL_ENTRIES, type ModelNames } from '../policy/model-list.js';
import { type Ceiling, ceilingOf } from '../policy/ceiling.js';
import { isFree } from '../policy/price.js';
import { withTerms } from '../policy/price-terms.js';
import { BoundedMap } from '../cache/bounded-map.js';
import { SERVED } from '../config/provider-facts.js';
import { type Deployment, namedDeployment } from './deployment.js';
import { documentedModel, documentedNames } from './documented-models.js';
import { AccessGroupIndex, type AccessGroupEntry } from './access-group-index.js';
import { providerOfBareName } from './bare-name-provider.js';
import { cachesOnMark } from './caches-on-mark.js';
import { capsWebSearches, feeOfModel, hidesModel, searchesEveryCall } from './model-fees.js';
import type { TermsOfDeployment } from './terms-of-deployment.js';

/** Aliases of the caller that apply beside those of the proxy. */
interface CallerAliases {
  readonly teamAliases: Readonly<Record<string, string>>;
  readonly keyAliases: Readonly<Record<string, string>>;
}

/** Everything known of one public name. */
interface Entry {
  readonly deployments: readonly Deployment[];
  /** True if a deployment changes the bodies of its calls. */
  readonly editsCalls?: true;
  /** True if a deployment's provider does not speak OpenAI's chat. */
  readonly translates?: true;
  /** The team that owns the model. Undefined if it is for every team. */
  readonly teamId?: string | undefined;
  readonly groups: readonly string[];
  /** Groups of each deployment. Absent if they are the same for all. */
  readonly deploymentGroups?: readonly (readonly string[])[];
  /** Entries of this name with only some deployments, by the groups that allow them. */
  readonly byGroups?: BoundedMap<string, Entry>;
  /** Names to look for in lists, if no alias was followed. */
  readonly requestedNames?: ModelNames;
  /** A second name of the same model: see `ModelFacts`. */
  readonly otherName?: string;
  /** True if the name is the id of its one deployment. */
  readonly isDeploymentId?: true;
  readonly ceiling: Ceiling;
  readonly price: ModelFacts['price'];
  readonly limits: ModelCapacity;
}

/** The deployments of a public name with a `*`. */
interface Wildcard {
  readonly glob: string;
  readonly deployments: readonly Deployment[];
}

const NO_ALIASES: CallerAliases = { teamAliases: {}, keyAliases: {} };
const MAX_WILDCARD_NAMES = 10_000;
/** Maximum names that are listed for all wildcards together. */
const MAX_LISTED_NAMES = 2_000;
/** Maximum entries by groups of one name. */
const MAX_GROUP_LEVELS = 1_000;
const NO_ENTRY: Entry = {
  deployments: [],
  groups: [],
  ceiling: ceilingOf([]),
  price: 'unknown',
  limits: { answers: [] },
};

/** All models that can be called at one time, indexed so that a look-up takes constant time. */
export class CatalogueSnapshot {
  private readonly exact: ReadonlyMap<string, Entry>;
  private readonly wildcards: readonly Wildcard[];
  private readonly groups: ReadonlySet<string>;
  private readonly groupIndex: AccessGroupIndex;
  /** Internal names by public name, for each team with its own models. */
  private readonly teamNames = new Map<string, Record<string, string>>();
  private readonly wildcardEntries = new BoundedMap<string, Entry>(MAX_WILDCARD_NAMES);
  private readonly byId: ReadonlyMap<string, Deployment>;
  private readonly groupNames: ReadonlyMap<string, string>;

  constructor(
    readonly deployments: readonly Deployment[],
    private readonly aliases: Readonly<Record<string, string>>,
    groups: readonly AccessGroupEntry[] = [],
    private readonly hiddenAliases: ReadonlySet<string> = new Set(),
    /** Undefined: every call costs its list price. */
    readonly termsOf?: TermsOfDeployment,
  ) {
    this.groupIndex = new AccessGroupIndex(groups);
    this.groupNames = new Map(groups.map(({ tokens: [name, id] }) => [id ?? '', name!]));
    this.byId = new Map(
      deployments
        .filter(({ modelName, upstreamName }) => !`${modelName}${upstreamName}`.includes('*'))
        .map((deployment) => [deployment.id, deployment]),
    );
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
   * Returns the deployments of a name: those of exactly this name, or else the one of this id, or else those of the most
   * specific wildcard, for a bare name also of its provider's. With `within` it returns only those in a group of each level.
   */
  resolve(name: string, within?: GroupLevels): readonly Deployment[] {
    return this.entry(name, within).deployments;
  }

  /** Tells whether a deployment of this name changes the bodies of its calls. */
  editsCalls(name: string, within?: GroupLevels): boolean {
    return this.entry(name, within).editsCalls === true;
  }

  /** Tells whether a deployment of this name has an API to which chats are translated. */
  translates(name: string, within?: GroupLevels): boolean {
    return this.entry(name, within).translates === true;
  }

  /** Returns whether a name, wildcard or alias can be called. */
  serves(name: string): boolean {
    return (
      this.deployments.some(({ modelName }) => modelName === name) ||
      this.entry(aliased(this.aliases, name)) !== NO_ENTRY
    );
  }

  private everyId: ReadonlyMap<string, Deployment> | undefined;

  /** Returns the deployment of an id, at its list price. */
  deployment(id: string): Deployment | undefined {
    this.everyId ??= new Map(this.deployments.map((deployment) => [deployment.id, deployment]));
    return this.everyId.get(id);
  }

  get isEmpty(): boolean {
    return !this.exact.size && !this.wildcards.length;
  }

  /**
   * Returns all public names in configured order, then the aliases, then the team's own names. Wildcards and hidden aliases
   * are left out.
   */
  names(teamId: string | null = null): string[] {
    const publicEntries = [...this.exact].filter(([, { teamId: owner }]) => owner === undefined);
    return [
      ...new Set([
        ...publicEntries.map(([name]) => name),
        ...Object.keys(this.aliases).filter((alias) => !this.hiddenAliases.has(alias)),
        ...Object.keys(this.teamNamesOf(teamId)),
      ]),
    ];
  }

  /** Tells whether a deployment or an alias of the proxy, or a model of the team, has exactly this name. */
  hasName(name: string, teamId: string | null): boolean {
    return (
      this.exact.has(name) ||
      Object.hasOwn(this.aliases, name) ||
      Object.hasOwn(this.teamNamesOf(teamId), name)
    );
  }

  private publicNames: ReadonlyMap<string, ReadonlySet<string>> | undefined;

  /** Returns the public names behind which providers know a model by this name, with their prefix or without. */
  namesOfUpstream(upstream: string): readonly string[] {
    if (!this.publicNames) {
      const names = new Map<string, Set<string>>();
      for (const { modelName, provider, upstreamName, team } of this.deployments) {
        if (team || modelName.includes('*')) continue;
        for (const known of [upstreamName, `${provider}/${upstreamName}`])
          names.set(known, (names.get(known) ?? new Set()).add(modelName));
      }
      this.publicNames = names;
    }
    return [...(this.publicNames.get(upstream) ?? [])];
  }

  private knownNames: readonly string[] | undefined;

  /** Returns the names of the price table that wildcards serve. */
  wildcardNames(): readonly string[] {
    return (this.knownNames ??= [...new Set(this.wildcards.flatMap(namesMatching))]
      .filter((name) => !this.exact.has(name) && this.wholeEntry(name) !== NO_ENTRY)
      .slice(0, MAX_LISTED_NAMES));
  }

  /** Returns the public names with a `*`, the most specific first. */
  wildcardGlobs(): readonly string[] {
    return this.wildcards.map(({ glob }) => glob);
  }

  private moderations: readonly string[] | undefined;

  /** Returns the names of models for moderation: those of the configuration, then the newest that wildcards serve. */
  moderationNames(teamId: string | null): readonly string[] {
    const isModeration = (name: string) =>
      this.resolve(this.modelFacts(name, NO_ALIASES, teamId).name).some(moderates);
    this.moderations ??= this.wildcardNames()
      .filter(isModeration)
      .toSorted((a, b) => Number(b.endsWith('latest')) - Number(a.endsWith('latest')));
    return [...this.names(teamId).filter(isModeration), ...this.moderations];
  }

  private teamNamesOf(teamId: string | null): Readonly<Record<string, string>> {
    return (teamId !== null && this.teamNames.get(teamId)) || {};
  }

  /** Returns the names that an entry of a list of models stands for. */
  readonly namesOf: NamesOf = (entry) => {
    const { aliasedNames, deploymentGroups } = this.modelFacts(entry, NO_ALIASES);
    return {
      ...aliasedNames,
      isGroup: this.groups.has(entry),
      ...(deploymentGroups && { deploymentGroups }),
    };
  };

  ceilingOf(name: string, within?: GroupLevels): Ceiling {
    return this.entry(name, within).ceiling;
  }

  priceOf(name: string, within?: GroupLevels): ModelFacts['price'] {
    return this.entry(name, within).price;
  }

  limits(name: string, within?: GroupLevels): ModelCapacity {
    return this.entry(name, within).limits;
  }

  /** Returns the names without a known price. */
  unpriced(): string[] {
    return [...this.exact].filter(([, { price }]) => price === 'unknown').map(([name]) => name);
  }

  /**
   * Returns the facts of a requested name for the policy. Follows aliases once per level: the team's, the key's, the proxy's.
   * No list matches an alias of the key. Only lists of the team and the key match an alias of the team. A model of the caller's
   * team comes before a public one of the same name.
   */
  modelFacts(
    requested: string,
    { teamAliases, keyAliases }: CallerAliases,
    teamId: string | null = null,
  ): Omit<ModelFacts, 'demand' | 'boundTokens' | 'rateTokens'> {
    const viaTeam = aliased(teamAliases, requested);
    const viaKey = aliased(keyAliases, viaTeam);
    const own = aliased(this.teamNamesOf(teamId), viaKey);
    const name = own === viaKey ? aliased(this.aliases, viaKey) : own;
    const entry = this.entry(name);
    const { deploymentGroups, requestedNames, price, deployments, otherName, teamId: owner } = entry;
    const names = (known: readonly string[]): ModelNames =>
      requestedNames && known.every((knownName) => knownName === name)
        ? requestedNames
        : this.withGroupsOfAlias(modelNames(name, known, entry), entry === NO_ENTRY ? undefined : name);
    return {
      requested,
      name,
      known: deployments.length > 0 && (owner === undefined || owner === teamId),
      ...(owner !== undefined && { ofTeam: owner }),
      ...(deploymentGroups && { deploymentGroups }),
      ...(otherName !== undefined && { otherName }),
      ...(this.groupNames.size && { groupNames: this.groupNames }),
      aliasedNames: names(viaKey === viaTeam ? [requested, viaTeam, name] : [viaKey, name]),
      globalNames: names(owner === undefined ? [viaKey, name] : [name]),
      price,
    };
  }

  /** Adds the groups whose lists have a name beside the served one: an alias, or a name that is not served. */
  private withGroupsOfAlias(names: ModelNames, served: string | undefined): ModelNames {
    const groupsOfAlias = this.groupIndex.tokensOfNames(names.names.filter((one) => one !== served));
    return groupsOfAlias.length ? { ...names, groupsOfAlias } : names;
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
    if (!(this.wildcards.length || this.byId.has(name)) || isNoName(name)) return NO_ENTRY;
    let entry = this.wildcardEntries.get(name);
    if (!entry) {
      entry = this.entryById(name) ?? this.entryByWildcard(name) ?? this.entryOfBareName(name) ?? NO_ENTRY;
      this.wildcardEntries.set(name, entry);
    }
    return entry;
  }

  /** Returns the deployment of an id, in the groups that it has by its public name. */
  private entryById(id: string): Entry | undefined {
    const deployment = this.byId.get(id);
    if (!deployment) return undefined;
    const { modelName, team } = deployment;
    const entry = this.entryOf(modelName, [deployment]);
    return {
      ...entry,
      otherName: team?.publicName ?? modelName,
      isDeploymentId: true,
      requestedNames: { names: [], groups: entry.groups, deploymentId: id },
    };
  }

  private entryByWildcard(name: string): Entry | undefined {
    const served = this.servedByWildcard(name);
    if (!served.length) return undefined;
    const bareName = bareNameOf(name);
    const entry = this.entryOf(name, served);
    const isAlsoBare = bareName !== undefined && !this.hasOwnEntry(bareName);
    return isAlsoBare ? { ...entry, otherName: bareName } : entry;
  }

  /**
   * Returns the entry of a bare name that is served as `<provider>/<name>` by a wildcard. A deployment of exactly that name
   * comes before the wildcard, so the bare name gets round none of its groups.
   */
  private entryOfBareName(name: string): Entry | undefined {
    const otherName = qualified(name);
    if (otherName === undefined) return undefined;
    const byWildcard = this.servedByWildcard(otherName);
    const served = byWildcard.length ? (this.exact.get(otherName)?.deployments ?? byWildcard) : [];
    return served.length ? { ...this.entryOf(name, served), otherName } : undefined;
  }

  private hasOwnEntry(name: string): boolean {
    return this.exact.has(name) || this.byId.has(name) || this.servedByWildcard(name).length > 0;
  }

  /** Returns the deployments of the most specific wildcard that matches a name, as they are for this name. */
  private servedByWildcard(name: string): Deployment[] {
    const wildcard = this.wildcards.find(({ glob }) => matchesGlob(glob, name));
    return (wildcard?.deployments ?? [])
      .flatMap((deployment) => concrete(deployment, name) ?? [])
      .filter((deployment) => !hidesModel(deployment));
  }

  /** Returns deployments with what their calls cost at the terms in force. */
  private atTerms(deployments: readonly Deployment[]): readonly Deployment[] {
    const { termsOf } = this;
    if (!termsOf) return deployments;
    return deployments.map((deployment) => {
      const { price } = deployment;
      const terms = price && !price.list && termsOf(deployment);
      return terms ? Object.freeze({ ...deployment, price: withTerms(price, terms) }) : deployment;
    });
  }

  private entryOf(name: string, listed: readonly Deployment[]): Entry {
    const deployments = this.atTerms(listed);
    const prices = deployments.map(({ price }) => price);
    const known = prices.filter((price) => price !== undefined);
    const ceiling = ceilingOf(known);
    const maxIfAllKnown = (sizes: (number | undefined)[]) =>
      sizes.every((size) => size !== undefined) ? Math.max(...sizes) : undefined;
    const maxImageTokens = maxIfAllKnown(deployments.map((deployment) => deployment.imageTokens));
    const maxInputTokens = maxIfAllKnown(deployments.map((deployment) => deployment.maxInputTokens));
    const fee = deployments.map(feeOfModel).find((modelFee) => modelFee !== undefined);
    const groupsOf = (members: readonly Deployment[]) =>
      this.groupIndex.tokensOf({
        name,
        qualifiedName: qualified(name),
        deploymentIds: members.map(({ id }) => id),
        tags: members.flatMap(({ accessGroups }) => accessGroups),
      });
    const groups = groupsOf(deployments);
    const deploymentGroups = deployments.map((deployment) => groupsOf([deployment]));
    const differ = deploymentGroups.some(({ length }) => length < groups.length);
    return {
      deployments,
      ...(deployments.some(({ callEdits }) => callEdits) && { editsCalls: true as const }),
      ...(deployments.some((one) => targetApi(one, '/chat/completions') !== undefined) && {
        translates: true as const,
      }),
      teamId: deployments[0]?.team?.id,
      groups,
      ...(differ && { deploymentGroups, byGroups: new BoundedMap<string, Entry>(MAX_GROUP_LEVELS) }),
      requestedNames: modelNames(name, [name], { groups }),
      ceiling,
      price: known.length < prices.length ? 'unknown' : isFree(ceiling) ? 'free' : 'priced',
      limits: {
        ...(maxInputTokens !== undefined && { maxInputTokens }),
        answers: distinctAnswers(deployments),
        ...(maxImageTokens !== undefined && { imageTokens: maxImageTokens }),
        ...(fee && { fee }),
        cachesOnMark: deployments.every(cachesOnMark),
        capsWebSearches: deployments.every(({ provider }) => capsWebSearches(provider)),
        ...(deployments.some(({ provider }) => searchesEveryCall(provider)) && { searchesEveryCall: true }),
        thinksBesideLimit: deployments.some(({ provider }) => THINKS_BESIDE_LIMIT.has(provider)),
        encodesLikeOpenAi: deployments.every((deployment) => deployment.encodesLikeOpenAi),
      },
    };
  }
}

/** Tells whether no wildcard serves a name: it is a pattern, a special entry, or several names. */
const isNoName = (name: string) => name.includes('*') || name.includes(',') || SPECIAL_ENTRIES.has(name);

/**
 * Returns a wildcard deployment for one name. Undefined if that names no model: an empty match, a dot segment in the path
 * of an Azure deployment, or a name of another provider.
 */
function concrete(deployment: Deployment, name: string): Deployment | undefined {
  const texts = textsOfStars(deployment.modelName, name);
  const upstreamName = texts.some((text) => text) ? filledName(deployment, texts, name) : undefined;
  if (upstreamName === undefined || (deployment.apiVersion !== undefined && isDots(upstreamName)))
    return undefined;
  if (deployment.forName) return deployment.forName(upstreamName);
  const { provider, origin } = deployment;
  if (provider === 'openai' && isHostOfOpenAi(origin) && hasOtherPrefix(upstreamName, provider))
    return undefined;
  return namedDeployment(deployment, upstreamName);
}

/**
 * Returns the upstream's name with its `*` replaced, in their order, by the texts of the public name's. If it has fewer of
 * them, the whole name counts, as for LiteLLM: it must begin with the provider. If it has more, it names no model.
 */
function filledName(
  { upstreamName, provider, forName }: Deployment,
  texts: readonly string[],
  name: string,
): string | undefined {
  const pieces = upstreamName.split('*');
  const stars = pieces.length - 1;
  if (!stars) return upstreamName;
  if (texts.length < stars) return undefined;
  if (texts.length === stars) return pieces.map((piece, i) => piece + (texts[i] ?? '')).join('');
  if (forName) return name;
  return name.startsWith(`${provider}/`) ? name.slice(provider.length + 1) : undefined;
}

const MODERATION = /^(?:omni|text)-moderation(?:-|$)/;

/** Tells whether a deployment is for moderation: by its configuration, or else by the table or its name. */
function moderates({ traits: { mode }, provider, upstreamName }: Deployment): boolean {
  if (typeof mode === 'string') return mode === 'moderation';
  return documentedModel(provider, upstreamName)?.mode === 'moderation' || MODERATION.test(upstreamName);
}

/** Returns the public names for which a wildcard leads to a documented model. */
function namesMatching({ glob, deployments }: Wildcard): string[] {
  const pieces = glob.split('*');
  return deployments.flatMap(({ provider, upstreamName, team, forName }) => {
    if (team || pieces.length !== upstreamName.split('*').length) return [];
    const upstreamNames = forName
      ? Object.keys(SERVED).flatMap((prefix) => documentedNames(prefix).map((name) => `${prefix}/${name}`))
      : documentedNames(provider);
    return upstreamNames
      .filter((name) => matchesGlob(upstreamName, name))
      .map((name) => {
        const texts = textsOfStars(upstreamName, name);
        return pieces.map((piece, i) => piece + (texts[i] ?? '')).join('');
      });
  });
}

/** Providers whose `max_tokens` limits the text but not the reasoning before it. */
const THINKS_BESIDE_LIMIT: ReadonlySet<string> = new Set(['dashscope']);

/** Returns the distinct answer limits of some deployments. */
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

function modelNames(
  name: string,
  known: readonly string[],
  { groups, isDeploymentId }: Pick<Entry, 'groups' | 'isDeploymentId'>,
): ModelNames {
  const names = [...new Set(known)];
  if (isDeploymentId) return { names: names.filter((one) => one !== name), groups, deploymentId: name };
  const qualifiedName = qualified(name);
  return { names, groups, ...(qualifiedName !== undefined && { qualifiedName }) };
}

function qualified(name: string): string | undefined {
  const provider = providerOfBareName(name);
  return provider && `${provider}/${name}`;
}

/** Returns the name behind a prefix, if it is a bare name of just that provider. */
function bareNameOf(name: string): string | undefined {
  const slash = name.indexOf('/');
  const bareName = slash < 0 ? undefined : name.slice(slash + 1);
  return bareName !== undefined && qualified(bareName) === name ? bareName : undefined;
}
