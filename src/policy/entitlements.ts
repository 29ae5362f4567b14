import type { ModelFacts } from './facts.js';
import { matchesGlob } from './glob.js';
import { servesLevels } from './group-levels.js';
import { groupsAlone, listAllows, type ModelList, type ModelNames } from './model-list.js';
import type { NanoUsd } from './money.js';
import { isTooMuch, type RouteList, routesWithin } from './routes.js';

/** An amount, and how long it lasts before it starts again. */
export interface Allowance {
  readonly limitNanoUsd: NanoUsd;
  /** Null: for ever. */
  readonly seconds: number | null;
  /** What was spent before is not counted: epoch milliseconds. */
  readonly since: number;
}

/** Everything a party's row holds that it could pass on. */
export interface Entitlements {
  /** All of them limit. None: unlimited. */
  readonly budgets: readonly Allowance[];
  readonly modelBudgets: ReadonlyMap<string, Allowance>;
  /** Upper limits by wire name, `rpm_limit` or `model_rpm_limit.gpt-4o`. Absent: unlimited. */
  readonly caps: ReadonlyMap<string, bigint>;
  readonly models: ModelList;
  /** The list says so in words (`*`), instead of leaving it open. */
  readonly saysEveryModel: boolean;
  readonly routes: RouteList;
  /** Each may have a budget of its own: having fewer of them is more. */
  readonly tags: ReadonlySet<string>;
  /** The end of its life, epoch milliseconds; infinite for ever. */
  readonly until: number;
}

/** Of somebody who is not limited by anything of their own. */
export const NO_LIMITS: Entitlements = {
  budgets: [],
  modelBudgets: new Map(),
  caps: new Map(),
  models: 'any',
  saysEveryModel: true,
  routes: 'any',
  tags: new Set(),
  until: Infinity,
};

/** What is known of an entry of a list of models. */
export type NamesOf = (
  entry: string,
) => ModelNames & { readonly isGroup: boolean } & Pick<ModelFacts, 'deploymentGroups'>;

/**
 * How a limit is held. `alone`: nothing else enforces it, so what is left open exceeds it. `before`: the same row as it was,
 * so that a budget that forgets what was spent exceeds it too. `enforced`: the holder stands behind every call anyway; what
 * is left open is left to it, and only a larger figure or another model exceeds.
 */
export type Strictness = 'alone' | 'before' | 'enforced';

/** The wire name of the first field in which `asked` is more than `held`; undefined when it is within. */
export function firstFieldBeyond(
  asked: Entitlements,
  held: Entitlements,
  strictness: Strictness,
  namesOf: NamesOf,
): string | undefined {
  const open = strictness === 'enforced';
  if (
    !(open && !asked.budgets.length) &&
    !held.budgets.every((limit) => asked.budgets.some(within(limit, strictness)))
  )
    return 'max_budget';
  for (const [model, limit] of held.modelBudgets) {
    const mine = asked.modelBudgets.get(model);
    if (mine ? !within(limit, strictness)(mine) : !open) return 'model_max_budget';
  }
  for (const [name, most] of held.caps) {
    const mine = asked.caps.get(name);
    if (mine === undefined ? !open : mine > most) return name.split('.')[0];
  }
  const part = strictness === 'before' ? undefined : largerPart(asked, held);
  if (part !== undefined) return part;
  const leftOpen = open && !asked.saysEveryModel;
  if (!modelsWithin(asked.models, held.models, open, leftOpen, namesOf)) return 'models';
  if (!(open && asked.routes === 'any') && !routesWithin(asked.routes, held.routes)) return 'allowed_routes';
  if (!open && ![...held.tags].every((tag) => asked.tags.has(tag))) return 'tags';
  return asked.until > held.until && !(open && asked.until === Infinity) ? 'duration' : undefined;
}

/** A part that is more than the whole that is held: without effect, but nothing anybody may write down. */
function largerPart({ modelBudgets, caps }: Entitlements, held: Entitlements): string | undefined {
  const most = held.budgets.map(({ limitNanoUsd }) => limitNanoUsd);
  const isMore = (amount: bigint) => most.length > 0 && most.every((limit) => amount > limit);
  if ([...modelBudgets.values()].some(({ limitNanoUsd }) => isMore(limitNanoUsd))) return 'model_max_budget';
  if (isMore(caps.get('soft_budget') ?? 0n)) return 'soft_budget';
  return [...caps].flatMap(([name, figure]) => {
    const [part] = name.split('.');
    const whole = held.caps.get(part!.replace('model_', ''));
    return part!.startsWith('model_') && whole !== undefined && figure > whole ? [part!] : [];
  })[0];
}

/** An amount that comes back sooner is more. */
const within =
  ({ limitNanoUsd, seconds, since }: Allowance, strictness: Strictness) =>
  (asked: Allowance) => {
    if (asked.limitNanoUsd > limitNanoUsd) return false;
    if (strictness === 'enforced' || asked.seconds === null) return true;
    return seconds !== null && asked.seconds >= seconds && (strictness === 'alone' || asked.since <= since);
  };

function modelsWithin(
  asked: ModelList,
  held: ModelList,
  open: boolean,
  mayBeLeftOpen: boolean,
  namesOf: NamesOf,
): boolean {
  if (held === 'any') return true;
  if (asked === 'any') return mayBeLeftOpen;
  if (isTooMuch(asked.names.size + asked.globs.length, held.globs.length)) return false;
  return [...asked.names, ...asked.globs].every((entry) => {
    const { isGroup, deploymentGroups = [], ...names } = namesOf(entry);
    if (held.names.has(entry)) return true;
    if (isGroup) return false;
    if (entry.includes('*')) return held.globs.some((glob) => matchesGlob(glob, entry));
    // By name it would be served by deployments that the groups which are held leave out.
    const groups = open ? undefined : groupsAlone(held, names);
    return (
      listAllows(held, names) && (!groups || deploymentGroups.every((its) => servesLevels(its, [groups])))
    );
  });
}
