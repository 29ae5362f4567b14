import { readFileSync } from 'node:fs';
import type { Deployment } from './deployment.js';

/** Members of a chat that a model does not support. */
export interface UnsupportedMembers {
  readonly always: ReadonlySet<string>;
  /** Further ones while the call asks the model to reason. */
  readonly whileReasoning: ReadonlySet<string>;
}

/** A row of `known/unsupported-members.json`. Without `models` it counts for every other model of its providers. */
interface Row {
  readonly providers: readonly string[];
  readonly models?: readonly string[];
  readonly unsupported: readonly string[];
  readonly unsupportedWhileReasoning?: readonly string[];
}

const NONE: ReadonlySet<string> = new Set();
const ALL_SUPPORTED: UnsupportedMembers = { always: NONE, whileReasoning: NONE };

/** Rows by provider, then by model; `''` is the row of every other model. */
let table: ReadonlyMap<string, ReadonlyMap<string, UnsupportedMembers>> | undefined;
const byDeployment = new WeakMap<Deployment, UnsupportedMembers>();

/** Returns the members of a chat that this deployment's model does not support. */
export function unsupportedMembers(deployment: Deployment): UnsupportedMembers {
  let found = byDeployment.get(deployment);
  if (!found) {
    const { base_model: baseModel } = deployment.traits as { readonly base_model?: string };
    found = withoutRenamed(
      unsupportedBy(deployment.provider, baseModel ?? deployment.upstreamName),
      deployment,
    );
    byDeployment.set(deployment, found);
  }
  return found;
}

/** Returns the members without those that reach the model by another name. */
function withoutRenamed(members: UnsupportedMembers, { chatRenames }: Deployment): UnsupportedMembers {
  const { always } = members;
  const renamed =
    chatRenames?.members.filter(([from, to]) => always.has(from) && to !== null && !always.has(to)) ?? [];
  if (!renamed.length) return members;
  const names = new Set(renamed.map(([from]) => from));
  return { ...members, always: new Set([...always].filter((name) => !names.has(name))) };
}

/** Returns the members that a provider's model does not support. A dated name counts like the name it begins with. */
export function unsupportedBy(provider: string, model: string): UnsupportedMembers {
  const rows = (table ??= readTable()).get(provider);
  const name = model.startsWith(`${provider}/`) ? model.slice(provider.length + 1) : model;
  for (let end = name.length; rows && end > 0; end = name.slice(0, end).search(/[-.:@][^-.:@]*$/)) {
    const found = rows.get(name.slice(0, end));
    if (found) return found;
  }
  return rows?.get('') ?? ALL_SUPPORTED;
}

function readTable(): ReadonlyMap<string, ReadonlyMap<string, UnsupportedMembers>> {
  const rows: readonly Row[] = JSON.parse(
    readFileSync(new URL('known/unsupported-members.json', import.meta.url), 'utf8'),
  );
  const byProvider = new Map<string, Map<string, UnsupportedMembers>>();
  for (const { providers, models = [''], unsupported, unsupportedWhileReasoning = [] } of rows) {
    const members = { always: new Set(unsupported), whileReasoning: new Set(unsupportedWhileReasoning) };
    for (const provider of providers) {
      const byModel = byProvider.get(provider) ?? new Map<string, UnsupportedMembers>();
      byProvider.set(provider, byModel);
      for (const model of models) byModel.set(model, members);
    }
  }
  return byProvider;
}
