import type { PartyKind, PartyRules } from '../../policy/facts.js';
import type { Field, Fields } from './field.js';
import { KEY_FIELDS } from './key-fields.js';
import { TEAM_FIELDS } from './team-fields.js';
import { USER_FIELDS } from './user-fields.js';

type Compile = (value: unknown) => unknown;

/** Fields that give facts to checks, each with the property of its row and the compilation of its value. */
const RULES: Partial<Record<PartyKind, readonly (readonly [column: string, rules: [string, Compile][]])[]>> =
  {
    key: rulesIn(KEY_FIELDS),
    team: rulesIn(TEAM_FIELDS),
    user: rulesIn(USER_FIELDS),
  };

function rulesIn(fields: Fields): [column: string, rules: [string, Compile][]][] {
  return Object.values<Field>(fields).flatMap(({ column, rule }) =>
    column !== null && rule ? [[column, Object.entries(rule as Record<string, Compile>)]] : [],
  );
}

/** Compiles the facts that a row's fields give to single checks; undefined if they give none. */
export function rulesOf(kind: PartyKind, row: object): PartyRules | undefined {
  let rules: Record<string, unknown> | undefined;
  for (const [column, compiled] of RULES[kind] ?? []) {
    const value = (row as Record<string, unknown>)[column];
    if (value === null || value === undefined) continue;
    for (const [name, compile] of compiled) (rules ??= {})[name] = compile(value);
  }
  return rules;
}
