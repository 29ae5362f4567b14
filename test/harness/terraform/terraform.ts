import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';

/** Mirror of what Terraform does with a provider's resources: plan, apply, plan again, destroy. */

export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };
export type Values = Readonly<Record<string, Value>>;
/** A resource's block in the file. Undefined members are not in it. */
export type Config = Readonly<Record<string, Value | undefined>>;

/** A value known after apply. No value may stay unknown after that. */
export const UNKNOWN = Symbol('known after apply');
export type State = Readonly<Record<string, Value | typeof UNKNOWN>>;

export interface Attribute {
  readonly kind: 'text' | 'number' | 'flag' | 'list' | 'texts' | 'numbers' | 'json';
  /** Source of the value: the user (Optional or Required), the server (Computed), or either (both). */
  readonly by: 'user' | 'server' | 'either';
  /** The value stays known if other attributes change (`UseStateForUnknown`). */
  readonly isStable?: boolean;
  readonly default?: Value;
}

/** Sends a request. Returns the JSON of the response. Throws with the client's words if the status is not 2xx. */
export type Send = (method: string, path: string, body?: unknown) => Promise<Values>;

export interface Resource {
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Returns what is known without a read: the resource's own id. */
  create(plan: State, send: Send): Promise<Values>;
  /** Returns the state after a read; undefined if the resource is gone. */
  read(state: State, send: Send): Promise<State | undefined>;
  update?(plan: State, before: State, send: Send): Promise<unknown>;
  destroy(state: State, send: Send): Promise<unknown>;
}

/** Tells whether the provider reads an error as “it is not there”, by words anywhere in status or body. */
export const saysNotFound = (error: unknown) =>
  /not found|404|does not exist/.test(error instanceof Error ? error.message : '');

export class Terraform {
  constructor(private readonly send: Send) {}

  /**
   * Makes a resource, or changes it from `before`. Expects every value to be known and as planned, and the next plan to be
   * empty.
   */
  async apply(resource: Resource, config: Config, before?: State): Promise<State> {
    const plan = planned(resource, config, before);
    const values = before
      ? void (await resource.update!(plan, before, this.send))
      : await resource.create(plan, this.send);
    const state = await resource.read({ ...plan, ...values }, this.send);

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

  /** Expects `terraform plan -detailed-exitcode` to be 0: no value that was read has to change. */
  async expectNoDrift(resource: Resource, config: Config, state: State): Promise<void> {
    const refreshed = await resource.read(state, this.send);
    expect(planned(resource, config, refreshed), 'the next plan').toEqual(refreshed);
  }

  /** Destroys a resource twice, as after a lost state. The second time is no error. */
  async destroy(resource: Resource, state: State): Promise<void> {
    await resource.destroy(state, this.send);
    expect(await resource.read(state, this.send), 'it is gone').toBeUndefined();
    await resource.destroy(state, this.send).catch((error: unknown) => {
      if (!saysNotFound(error)) throw error;
    });
  }
}

/**
 * Returns the planned attributes: as configured, else the default, else the server's value. A change makes the server's value
 * unknown.
 */
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
