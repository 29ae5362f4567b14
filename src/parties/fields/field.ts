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

/** The least role that sets a field. A proxy admin sets every field; `owner` is the user a key or a user row belongs to. */
export type FieldEditor = 'proxyAdmin' | 'organizationAdmin' | 'teamAdmin' | 'owner';

/** A row whose limits its holder may pass on. */
export interface DelegableRow extends Limits {
  models: string[] | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  extra: Record<string, unknown> | null;
  allowedRoutes?: string[] | null;
  expiresAt?: Date | null;
}

/** Fills a field of a new row from the row of its maker. */
export type Inherit = (row: DelegableRow, maker: Readonly<DelegableRow>) => void;

/** Values that the tests of all fields send for a limit. Null, which leaves it open, is `looser` unless it is `within`. */
export interface LimitExamples {
  readonly held: unknown;
  /** More than `held`: refused also where the holder's limit applies to every call anyway. */
  readonly wider: readonly unknown[];
  /** More than `held` only where nothing else enforces the holder's limit. */
  readonly looser?: readonly unknown[];
  /** Other values that are within `held`. */
  readonly within?: readonly unknown[];
}

type EntitlementPart = 'budgets' | 'modelBudgets' | 'caps' | 'models' | 'routes' | 'tags' | 'until';

/** Compares the value of one field without looking at others. Both values are set; an open one is more than any. */
export interface Comparison {
  readonly isWithin: (asked: never, held: never) => boolean;
}

/** A limit that its holder passes on to what it makes, and never widens. */
export interface PassedOnLimit {
  /** Fills what a new row leaves open with what its maker has. The name of another field: that field fills both. */
  readonly inherit: Inherit | { readonly with: string };
  /**
   * How the field is compared with what its maker has: in a part of the entitlements (`policy/entitlements.ts`), or by itself. Null:
   * only proxy admins set it.
   */
  readonly comparedIn: EntitlementPart | Comparison | null;
  /** The maker's entries are added to those asked for, instead of filling an open field. */
  readonly merged?: true;
  readonly examples: LimitExamples;
}

/** A field that no comparison protects: why it gives nothing, or why those who hold it cannot pass it on. */
export interface NotPassedOn {
  readonly because: string;
  /** Values that a caller tries to set; absent: any value of the type. */
  readonly tries?: readonly unknown[];
}

/** Makes a field without a property in any class: `own-field.ts` builds it and adds it to rows, bodies and responses. */
export interface OwnField {
  readonly column: PropertyDecorator;
  readonly sentAs: readonly PropertyDecorator[];
  readonly shownAs: PropertyDecorator;
}

/** Everything the gateway must know about one member of a resource's bodies. */
export interface Field {
  /** Its type on the wire. */
  readonly type: WireType;
  /** The property of the row that holds it; `extra`: a member of that mapping; null: an instruction. */
  readonly column: string | null;
  /** It has no property in the DTO: `kept-fields.ts` checks its type and stores it as sent. */
  readonly asSent?: true;
  /** Set where no class declares the field. */
  readonly own?: OwnField;
  /** The fact that the value becomes for the check that asks it, by its name in `PartyRules`. Null is no fact. */
  readonly rule?: { readonly [Name in keyof PartyRules]?: (value: never) => PartyRules[Name] };
  readonly setBy: FieldEditor;
  /** The member of the view that shows it; null: not shown. Absent: the field's own name. */
  readonly shownAs?: string | null;
  /** LiteLLM keeps it inside `metadata`. `limit`: what is written there counts here; `label`: only the import reads it there. */
  readonly inMetadata?: 'limit' | 'label';
  /** A key's view shows it inside `metadata` too. */
  readonly shownInMetadata?: true;
  /** The most entries of a list. */
  readonly maxEntries?: number;
  /** It names a resource of somebody: one, several, or a member with a role. */
  readonly names?: 'one' | 'list' | 'member';
  /** It limits: a misspelled name within two letters of it is refused (`http/unknown-fields.ts`). */
  readonly limits: boolean;
  readonly passedOn: PassedOnLimit | NotPassedOn;
}

/** The fields of a resource by their names on the wire. */
export type Fields = Readonly<Record<string, Field>>;

/** Tells whether a field is passed on and compared. */
export const isPassedOn = (passedOn: Field['passedOn']): passedOn is PassedOnLimit => 'inherit' in passedOn;
