import { BoundedMap } from '../cache/bounded-map.js';
import { dropFlag, isCallDefault } from '../config/call-defaults.js';
import type { LitellmParams } from '../config/config.js';

/** Changes of a deployment to the bodies of its calls. Values are JSON, by the name of their member. */
export interface CallEdits {
  /** Sent unless the client names the member. */
  readonly defaults: ReadonlyMap<string, string>;
  /** LiteLLM `extra_body`: sent whatever the client names. */
  readonly extraBody: ReadonlyMap<string, string>;
  /** LiteLLM `drop_params`. */
  readonly dropsUnsupported: boolean;
  /** LiteLLM `additional_drop_params`: names, or paths to nested members. */
  readonly dropped: readonly string[];
}

/** Deployments with the same changes share one object, so that a body is built once for all of them. */
const shared = new BoundedMap<string, CallEdits>(1_000);

/** Returns the changes that `litellm_params` asks for. Undefined if there are none. */
export function callEditsOf(params: LitellmParams): CallEdits | undefined {
  const dropped = params.additional_drop_params ?? [];
  const edits: CallEdits = {
    defaults: jsonOf(Object.entries(params).filter(([name]) => isCallDefault(name))),
    extraBody: jsonOf(Object.entries(params.extra_body ?? {}).filter(([name]) => !dropped.includes(name))),
    dropsUnsupported: dropFlag(params.drop_params) === true,
    dropped,
  };
  const { defaults, extraBody, dropsUnsupported } = edits;
  if (!defaults.size && !extraBody.size && !dropsUnsupported && !dropped.length) return undefined;
  const key = JSON.stringify([[...defaults], [...extraBody], dropsUnsupported, dropped]);
  const known = shared.get(key);
  if (!known) shared.set(key, edits);
  return known ?? edits;
}

const jsonOf = (members: readonly (readonly [string, unknown])[]): ReadonlyMap<string, string> =>
  new Map(
    members
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => [name, JSON.stringify(value)]),
  );
