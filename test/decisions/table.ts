import { readFileSync } from 'node:fs';
import type { Role } from '../../src/policy/facts.js';

/** A configuration, with the entries that lists there are made of, and the names that callers ask for. */
export interface World {
  /** Public name, upstream name, and `model_info`. */
  readonly models: readonly (readonly [name: string, model: string, info?: object])[];
  readonly aliases?: Readonly<Record<string, unknown>>;
  /** Access groups of the database, by their ids. */
  readonly groups?: Readonly<Record<string, readonly [name: string, models: readonly string[]]>>;
  /** The route. Absent: chat. */
  readonly path?: string;
}

interface Lists {
  readonly models?: readonly string[];
  readonly access_group_ids?: readonly string[];
  readonly blocked?: boolean;
}

/** A key and who stands behind it, in the words of the admin API. */
export interface Caller {
  readonly key: Lists & { readonly aliases?: Readonly<Record<string, string>> };
  readonly team?: Lists & { readonly model_aliases?: Readonly<Record<string, string>> };
  readonly user?: Lists;
  readonly member?: { readonly allowed_models: readonly string[] };
  readonly organization?: Lists;
  /** The fallbacks that each of its calls names. */
  readonly fallbacks?: readonly string[];
}

/** A caller in a world, and LiteLLM's verdict on each model: the upstreams that may serve it, or the type of the refusal. */
export interface Row extends Caller {
  readonly id: string;
  readonly world: string;
  readonly asked: Readonly<Record<string, string>>;
}

/** Verdicts of the gateway that differ: by the place in `docs/differences.md` that says why, the row's id, and the model. */
export type ModelDifferences = Record<string, Record<string, Record<string, string>>>;

const jsonOf = (name: string) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as unknown;

export const worlds = jsonOf('worlds.json') as Readonly<Record<string, World>>;
export const rows = jsonOf('models.json') as readonly Row[];
export const modelDifferences = jsonOf('model-differences.json') as ModelDifferences;

export const pathOf = ({ path = '/v1/chat/completions' }: World) => path;

/** Returns the configuration file of a world. */
export const configOf = ({ models, aliases }: World, api_base?: string) => ({
  model_list: models.map(([model_name, model, info], i) => ({
    model_name,
    litellm_params: { model, api_key: 'sk-none', ...(api_base !== undefined && { api_base }) },
    model_info: { id: `d${i}`, ...info },
  })),
  ...(aliases && { router_settings: { model_group_alias: aliases } }),
});

/** A key of a role with `allowed_routes`, and the routes that LiteLLM lets it call. */
export interface RouteRow {
  readonly role: Role;
  readonly allowed_routes: readonly string[];
  readonly allows: readonly string[];
}

export const routeRows = jsonOf('routes.json') as readonly RouteRow[];
export const { doors } = jsonOf('doors.json') as { readonly doors: readonly string[] };

/** Routes on which the gateway differs: by the place in `docs/differences.md` that says why, and the caller. */
export const routeDifferences = jsonOf('route-differences.json') as Readonly<
  Record<string, Readonly<Record<string, readonly string[]>>>
>;
