import type { PartyRules } from '../../policy/facts.js';
import type { Limits } from '../limits-row.js';

/** The types of fields on the wire, with the type each has in the OpenAPI document. */
export const WIRE_TYPES = {
  text: 'string',
  duration: 'string',
  instant: 'string',
  usd: 'number',
  rate: 'number',
  number: 'number',
  flag: 'boolean',
  list: 'array',
  tags: 'array',
  budgetWindows: 'array',
  mapping: 'object',
  modelBudgets: 'object',
} as const;

export type WireType = keyof typeof WIRE_TYPES;

/**
 * The lowest role that may set a field. A proxy admin may set every field. `owner` is the user to whom a key or a user
 * row belongs.
 */
export type FieldEditor = 'proxyAdmin' | 'organizationAdmin' | 'teamAdmin' | 'owner';

/** A row with limits that its holder may pass on to rows it makes. */
export interface DelegableRow extends Limits {
  models: string[] | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  extra: Record<string, unknown> | null;
  allowedRoutes?: string[] | null;
  expiresAt?: Date | null;
}

/** Fills a field of a new row from the row of its maker. */
export type Inherit = (row: DelegableRow, maker: Readonly<DelegableRow>) => void;

/**
 * Values that the tests of all fields send for a limit. Null leaves the limit open: it counts as `looser` unless it is
 * in `within`.
 */
export interface LimitExamples {
  /** The maker's value. The maker must be able to call admin routes with it. */
  readonly held: unknown;
  /** More than `held`. Refused even if the holder's own limit applies to every call. */
  readonly wider: readonly unknown[];
  /** More than `held`, and refused only if nothing else enforces the holder's limit. */
  readonly looser?: readonly unknown[];
  /** Other values within `held`. */
  readonly within?: readonly unknown[];
}

type EntitlementPart = 'budgets' | 'modelBudgets' | 'caps' | 'models' | 'routes' | 'tags' | 'until';

/** A comparison of one field, without a look at others. Both values are set: an open value exceeds any other. */
export interface Comparison {
  readonly isWithin: (requested: never, entitlement: never) => boolean;
}

/** A limit that its holder passes on to what it creates, and cannot widen. */
export interface PassedOnLimit {
  /**
   * Fills a field that a new row leaves open from its maker's row. The name of another field says that that field
   * fills both.
   */
  readonly inherit: Inherit | { readonly with: string };
  /**
   * Says how the field is compared with its maker's: in a part of the entitlements (`policy/entitlements.ts`), or by
   * itself. Null: only proxy admins set it.
   */
  readonly comparedIn: EntitlementPart | Comparison | null;
  /** The maker's entries are added to the requested ones, instead of filling an open field. */
  readonly merged?: true;
  readonly examples: LimitExamples;
}

/** A field that no comparison protects. It says why the field gives nothing, or why its holder cannot pass it on. */
export interface NotPassedOn {
  readonly because: string;
  /** Values that a caller tries to set. Absent: any value of the type. */
  readonly tries?: readonly unknown[];
}

/**
 * The decorators of a field that is a property of no class. `own-field.ts` builds them and adds the field to rows,
 * bodies and responses.
 */
export interface OwnField {
  readonly column: PropertyDecorator;
  readonly sentAs: readonly PropertyDecorator[];
  readonly shownAs: PropertyDecorator;
}

/** The declaration of one member of a resource's bodies. */
export interface Field {
  /** Type on the wire. */
  readonly type: WireType;
  /**
   * The property of the row that stores it. `extra`: a member of that mapping. Null: an instruction, which is not
   * stored.
   */
  readonly column: string | null;
  /** The field has no property in the DTO. `passthrough-fields.ts` checks its type and stores it as sent. */
  readonly asSent?: true;
  /** Present if no class declares the field. Keys, teams, users, organizations, end users and tags may have such fields. */
  readonly own?: OwnField;
  /** Compiles the value to the fact that a check reads, under its name in `PartyRules`. A null value is no fact. */
  readonly rule?: { readonly [Name in keyof PartyRules]?: (value: never) => PartyRules[Name] };
  readonly setBy: FieldEditor;
  /** The member of the view that shows it. Null: not shown. Absent: the field's own name. */
  readonly shownAs?: string | null;
  /**
   * LiteLLM stores the field inside `metadata`. `limit`: the value there counts here. `label`: only the import reads it
   * there.
   */
  readonly inMetadata?: 'limit' | 'label';
  /** A key's view shows the field inside `metadata` too. */
  readonly shownInMetadata?: true;
  /** The most entries of a list or mapping. */
  readonly maxEntries?: number;
  /** The field names a resource that has an owner: one, several, or a member with a role. */
  readonly names?: 'one' | 'list' | 'member';
  /** The field limits. A body with a name within two letters of it is refused (`http/unknown-fields.ts`). */
  readonly limits: boolean;
  readonly passedOn: PassedOnLimit | NotPassedOn;
}

/** The fields of a resource by their names on the wire. */
export type Fields = Readonly<Record<string, Field>>;

/** Tells whether a field is compared without looking at others. */
export const isComparedAlone = ({ passedOn }: Field): boolean => comparisonOf(passedOn) !== undefined;

/** Returns how a field is compared by itself; undefined where it is not. */
export function comparisonOf(
  passedOn: Field['passedOn'],
): ((asked: unknown, entitlement: unknown) => boolean) | undefined {
  const comparedIn = isPassedOn(passedOn) ? passedOn.comparedIn : null;
  return typeof comparedIn === 'object' && comparedIn
    ? (comparedIn.isWithin as (asked: unknown, entitlement: unknown) => boolean)
    : undefined;
}

/** Tells whether a field is passed on and compared. */
export const isPassedOn = (passedOn: Field['passedOn']): passedOn is PassedOnLimit => 'inherit' in passedOn;
