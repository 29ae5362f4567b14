import type { ModelFacts } from './facts.js';
import { matchesGlob } from './glob.js';
import { servesLevels } from './group-levels.js';
import { groupsAlone, listAllows, type ModelList, type ModelNames } from './model-list.js';
import type { NanoUsd } from './money.js';
import { isTooMuch, type RouteList, routesWithin } from './routes.js';

/** An amount, and how long it lasts before it starts again. */
export interface Allowance {
  readonly limitNanoUsd: NanoUsd;
  /** Null: for the lifetime of the party. */
  readonly seconds: number | null;
  /** Start of the count in epoch milliseconds: earlier spend does not count. */
  readonly since: number;
}

/** A field that is compared without looking at others. */
export interface ComparedField {
  readonly value: unknown;
  /** Tells whether `asked` is no more than the value. */
  readonly covers: (asked: unknown) => boolean;
}

/** Everything that a party's row holds and could pass on. */
export interface Entitlements {
  /** Budgets; all of them limit. None: unlimited. */
  readonly budgets: readonly Allowance[];
  readonly modelBudgets: ReadonlyMap<string, Allowance>;
  /** Upper limits by wire name, `rpm_limit` or `model_rpm_limit.gpt-4o`. Absent: unlimited. */
  readonly caps: ReadonlyMap<string, bigint>;
  readonly models: ModelList;
  /** The list names every model (`*`) instead of being absent. */
  readonly saysEveryModel: boolean;
  readonly routes: RouteList;
  /** Tags of the row. Each may have a budget: fewer tags are more. */
  readonly tags: ReadonlySet<string>;
  /** End of its life in epoch milliseconds; infinite if it never ends. */
  readonly until: number;
  /** Fields that are compared by their own values, by wire name. Absent: unlimited. */
  readonly fields: ReadonlyMap<string, ComparedField>;
}

/** Entitlements of a caller without limits of its own. */
export const NO_LIMITS: Entitlements = {
  budgets: [],
  modelBudgets: new Map(),
  caps: new Map(),
  models: 'any',
  saysEveryModel: true,
  routes: 'any',
  tags: new Set(),
  until: Infinity,
  fields: new Map(),
};

/** Names and groups that are known of an entry of a model list. */
export type NamesOf = (
  entry: string,
) => ModelNames & { readonly isGroup: boolean } & Pick<ModelFacts, 'deploymentGroups'>;

/**
 * How a limit is enforced. `sole`: nothing else enforces it, so an open value exceeds it. `unchanged`: the same row
 * before the change, so a budget that forgets spend exceeds it too. `backstop`: the holder's limit applies to every call
 * anyway, so only a larger figure or another model exceeds it.
 */
export type Strictness = 'sole' | 'unchanged' | 'backstop';

/** Returns the wire name of the first field in which `asked` exceeds `holder`; undefined if none does. */
export function firstFieldBeyond(
  asked: Entitlements,
  holder: Entitlements,
  strictness: Strictness,
  namesOf: NamesOf,
): string | undefined {
  const open = strictness === 'backstop';
  if (
    !(open && !asked.budgets.length) &&
    !holder.budgets.every((limit) => asked.budgets.some(within(limit, strictness)))
  )
    return 'max_budget';
  for (const [model, limit] of holder.modelBudgets) {
    const mine = asked.modelBudgets.get(model);
    if (mine ? !within(limit, strictness)(mine) : !open) return 'model_max_budget';
  }
  for (const [name, most] of holder.caps) {
    const mine = asked.caps.get(name);
    if (mine === undefined ? !open : mine > most) return name.split('.')[0];
  }
  const part = strictness === 'unchanged' ? undefined : largerPart(asked, holder);
  if (part !== undefined) return part;
  const leftOpen = open && !asked.saysEveryModel;
  if (!modelsWithin(asked.models, holder.models, open, leftOpen, namesOf)) return 'models';
  if (!(open && asked.routes === 'any') && !routesWithin(asked.routes, holder.routes))
    return 'allowed_routes';
  if (!open && ![...holder.tags].every((tag) => asked.tags.has(tag))) return 'tags';
  for (const [name, { covers }] of holder.fields) {
    const mine = asked.fields.get(name);
    if (mine ? !covers(mine.value) : !open) return name;
  }
  return asked.until > holder.until && !(open && asked.until === Infinity) ? 'duration' : undefined;
}

/** Returns a part that exceeds the whole that is held. It would have no effect, but must not be stored. */
function largerPart({ modelBudgets, caps }: Entitlements, holder: Entitlements): string | undefined {
  const most = holder.budgets.map(({ limitNanoUsd }) => limitNanoUsd);
  const isMore = (amount: bigint) => most.length > 0 && most.every((limit) => amount > limit);
  if ([...modelBudgets.values()].some(({ limitNanoUsd }) => isMore(limitNanoUsd))) return 'model_max_budget';
  if (isMore(caps.get('soft_budget') ?? 0n)) return 'soft_budget';
  return [...caps].flatMap(([name, figure]) => {
    const [part] = name.split('.');
    const whole = holder.caps.get(part!.replace('model_', ''));
    return part!.startsWith('model_') && whole !== undefined && figure > whole ? [part!] : [];
  })[0];
}

/** Tells whether one budget exceeds another. A shorter duration is more. */
const within =
  ({ limitNanoUsd, seconds, since }: Allowance, strictness: Strictness) =>
  (asked: Allowance) => {
    if (asked.limitNanoUsd > limitNanoUsd) return false;
    if (strictness === 'backstop' || asked.seconds === null) return true;
    return seconds !== null && asked.seconds >= seconds && (strictness === 'sole' || asked.since <= since);
  };

function modelsWithin(
  asked: ModelList,
  holder: ModelList,
  open: boolean,
  mayBeLeftOpen: boolean,
  namesOf: NamesOf,
): boolean {
  if (holder === 'any') return true;
  if (asked === 'any') return mayBeLeftOpen;
  if (isTooMuch(asked.names.size + asked.globs.length, holder.globs.length)) return false;
  return [...asked.names, ...asked.globs].every((entry) => {
    const { isGroup, deploymentGroups = [], ...names } = namesOf(entry);
    if (holder.names.has(entry)) return true;
    if (isGroup) return false;
    if (entry.includes('*')) return holder.globs.some((glob) => matchesGlob(glob, entry));
    // The name would be served by deployments outside the groups that the holder has.
    const groups = open ? undefined : groupsAlone(holder, names);
    return (
      listAllows(holder, names) && (!groups || deploymentGroups.every((its) => servesLevels(its, [groups])))
    );
  });
}
