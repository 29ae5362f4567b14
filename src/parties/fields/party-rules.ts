import type { PartyKind, PartyRules } from '../../policy/facts.js';
import { ALL_FIELDS } from './all-fields.js';
import type { Field, Fields } from './field.js';

type Compile = (value: unknown) => unknown;
type FieldRules = readonly (readonly [column: string, rules: [string, Compile][]])[];

/** Fields that give facts to checks, each with the property of its row and the compilation of its value. */
const RULES: Readonly<Record<PartyKind, FieldRules>> = {
  key: rulesIn(ALL_FIELDS.key),
  member: rulesIn(ALL_FIELDS.member),
  team: rulesIn(ALL_FIELDS.team),
  user: rulesIn(ALL_FIELDS.user),
  organization: rulesIn(ALL_FIELDS.organization),
  end_user: rulesIn(ALL_FIELDS.endUser),
  tag: rulesIn(ALL_FIELDS.tag),
  // These have no row.
  token: [],
  global: [],
};

function rulesIn(fields: Fields): [column: string, rules: [string, Compile][]][] {
  return Object.values<Field>(fields).flatMap(({ column, rule }) =>
    column !== null && rule ? [[column, Object.entries(rule as Record<string, Compile>)]] : [],
  );
}

/** Compiles the facts that a row's fields give to single checks; undefined if they give none. */
export function rulesOf(kind: PartyKind, row: object): PartyRules | undefined {
  let rules: Record<string, unknown> | undefined;
  for (const [column, compiled] of RULES[kind]) {
    const value = (row as Record<string, unknown>)[column];
    if (value === null || value === undefined) continue;
    for (const [name, compile] of compiled) (rules ??= {})[name] = compile(value);
  }
  return rules;
}
