import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';

/** What Terraform does with a provider's resources: plan, apply, plan again, destroy. */

export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };
export type Values = Readonly<Record<string, Value>>;
/** A resource's block in the file: what is undefined is not in it. */
export type Config = Readonly<Record<string, Value | undefined>>;

/** Known after apply: nothing may be once it was applied. */
export const UNKNOWN = Symbol('known after apply');
export type State = Readonly<Record<string, Value | typeof UNKNOWN>>;

export interface Attribute {
  readonly kind: 'text' | 'number' | 'flag' | 'list' | 'texts' | 'numbers' | 'json';
  /** Who sets it: the user (Optional or Required), the server (Computed), or either (both). */
  readonly by: 'user' | 'server' | 'either';
  /** A change of something else leaves it known (`UseStateForUnknown`). */
  readonly isStable?: boolean;
  readonly default?: Value;
}

/** JSON of the answer. A status other than 2xx is thrown in the client's words. */
export type Send = (method: string, path: string, body?: unknown) => Promise<Values>;

export interface Resource {
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** What is known without reading it back: what its own id is. */
  create(plan: State, send: Send): Promise<Values>;
  /** What becomes of the state; undefined when it is gone. */
  read(state: State, send: Send): Promise<State | undefined>;
  update?(plan: State, before: State, send: Send): Promise<unknown>;
  destroy(state: State, send: Send): Promise<unknown>;
}

/** The words the provider takes for “it is not there”, wherever they are in status or body. */
export const saysNotFound = (error: unknown) =>
  /not found|404|does not exist/.test(error instanceof Error ? error.message : '');

export class Terraform {
  constructor(private readonly send: Send) {}

  /** Makes it, or changes it from `before`: everything is known then, and as planned; the next plan is empty. */
  async apply(resource: Resource, config: Config, before?: State): Promise<State> {
    const plan = planned(resource, config, before);
    const made = before
      ? void (await resource.update!(plan, before, this.send))
      : await resource.create(plan, this.send);
    const state = await resource.read({ ...plan, ...made }, this.send);

    expect(state, 'it is there when it is read back').toBeDefined();
    expect(unknownIn(state!), 'unknown after apply').toEqual([]);
    const promised = Object.entries(plan).map(([name, value]) => [
      name,
      value === UNKNOWN ? state![name] : value,
    ]);
    expect(state, 'the result of the apply').toEqual(Object.fromEntries(promised));
    await this.expectNoDrift(resource, config, state!);
    return state!;
  }

  /** `terraform plan -detailed-exitcode` is 0: nothing of what is read has to change. */
  async expectNoDrift(resource: Resource, config: Config, state: State): Promise<void> {
    const refreshed = await resource.read(state, this.send);
    expect(planned(resource, config, refreshed), 'the next plan').toEqual(refreshed);
  }

  /** Destroying it again, as after a lost state, is no error. */
  async destroy(resource: Resource, state: State): Promise<void> {
    await resource.destroy(state, this.send);
    expect(await resource.read(state, this.send), 'it is gone').toBeUndefined();
    await resource.destroy(state, this.send).catch((error: unknown) => {
      if (!saysNotFound(error)) throw error;
    });
  }
}

/** What the attributes should be: as configured; else the default; else what the server says, which a change makes unknown. */
function planned({ attributes }: Resource, config: Config, before?: State): State {
  for (const name of Object.keys(config))
    expect(attributes, 'an argument of the resource').toHaveProperty(name);
  const asked = (name: string) => config[name] ?? attributes[name]!.default;
  const isChanged = Object.entries(attributes).some(
    ([name, { by }]) =>
      (asked(name) !== undefined || by === 'user') && !isDeepStrictEqual(asked(name) ?? null, before?.[name]),
  );
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { by, isStable }]) => {
      const value = asked(name);
      if (value !== undefined) return [name, value];
      if (by === 'user') return [name, null];
      return [name, before && (isStable || !isChanged) ? before[name]! : UNKNOWN];
    }),
  );
}

const unknownIn = (state: State) =>
  Object.entries(state).flatMap(([name, value]) => (value === UNKNOWN ? [name] : []));
