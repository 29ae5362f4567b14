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

/** A limit that its holder passes on to what it makes, and never widens. */
export interface PassedOnLimit {
  /** Fills what a new row leaves open with what its maker has. The name of another field: that field fills both. */
  readonly inherit: Inherit | { readonly with: string };
  /** The part of the entitlements (`policy/holdings.ts`) that compares the field with what its maker has; null: only proxy admins set it. */
  readonly comparedIn: 'budgets' | 'modelBudgets' | 'caps' | 'models' | 'routes' | 'tags' | 'until' | null;
  /** A value within limits, and values that give more. Tests of all fields send them; `null` is always one that gives more. */
  readonly examples: { readonly held: unknown; readonly beyond: readonly unknown[] };
}

/** A field that no comparison protects: why it gives nothing, or why those who hold it cannot pass it on. */
export interface NotPassedOn {
  readonly because: string;
  /** Values that would give more if the caller could set them; absent: any value of the type. */
  readonly examples?: { readonly beyond: readonly unknown[] };
}

/** Everything the gateway must know about one member of a resource's bodies. */
export interface Field {
  /** Its type on the wire. */
  readonly type: WireType;
  /** The property of the row that holds it; `extra`: a member of that mapping; null: an instruction. */
  readonly column: string | null;
  /** It has no property in the DTO: `kept-fields.ts` checks its type and stores it as sent. */
  readonly asSent?: true;
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
  /** It limits: a misspelled name within two letters of it is refused (`http/unread-fields.ts`). */
  readonly limits: boolean;
  readonly passedOn: PassedOnLimit | NotPassedOn;
}

/** The fields of a resource by their names on the wire. */
export type Fields = Readonly<Record<string, Field>>;

/** Tells whether a field is passed on and compared. */
export const isPassedOn = (passedOn: Field['passedOn']): passedOn is PassedOnLimit => 'inherit' in passedOn;
