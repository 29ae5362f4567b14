import type { TableRow, TableRows } from './table-row.js';
import { priceField, priceIn } from '../config/price-fields.js';
import { fitsPriceStructure, PRICE_STRUCTURES } from '../config/price-structures.js';

/** Most rows of a cost map. LiteLLM's own has 4,300. */
const MAX_ROWS = 50_000;
const MAX_NAME_CHARS = 512;
const MAX_MEMBERS = 200;
/** Most entries of a list or a mapping inside a row. */
const MAX_ENTRIES = 1_000;
const MAX_DEPTH = 4;
/** The most that anything of a price table costs, in USD. A higher figure is an error. */
const MAX_USD = 10_000;
/** The row by which LiteLLM's map explains itself. */
const SAMPLE = 'sample_spec';
const TEXTS = ['litellm_provider', 'mode'];
const SIZES = ['max_tokens', 'max_input_tokens', 'max_output_tokens'];

/** The operator's own table: LiteLLM's `LITELLM_MODEL_COST_MAP_URL`. Empty unless one was read. */
class CostMap implements TableRows {
  private rows: ReadonlyMap<string, TableRow> = new Map();

  get size(): number {
    return this.rows.size;
  }

  row(name: string): TableRow | undefined {
    return this.rows.get(name.toLowerCase());
  }

  /** Replaces all rows. Throws and changes nothing if the map is not one in LiteLLM's format, and names the row. */
  replace(map: unknown): void {
    this.rows = checkedRows(map);
  }
}

export const costMap = new CostMap();

function checkedRows(map: unknown): ReadonlyMap<string, TableRow> {
  if (!isObject(map)) throw new Error('it is no mapping of models');
  const entries = Object.entries(map).filter(([name]) => name !== SAMPLE);
  if (!entries.length) throw new Error('it has no models');
  if (entries.length > MAX_ROWS)
    throw new Error(`it has ${entries.length} models, at most ${MAX_ROWS} are read`);
  const rows = new Map(
    entries.map(([name, row]) => {
      try {
        checkRow(name, row);
      } catch (error) {
        throw new Error(`'${name.slice(0, 100)}': ${(error as Error).message}`, { cause: error });
      }
      return [name.toLowerCase(), row as TableRow] as const;
    }),
  );
  if (rows.size < entries.length) throw new Error('two of its names differ in letter case only');
  return rows;
}

function checkRow(name: string, row: unknown): void {
  if (!name || name.length > MAX_NAME_CHARS) throw new Error('is no name of a model');
  if (!isObject(row)) throw new Error('must be a mapping');
  const members = Object.entries(row);
  if (members.length > MAX_MEMBERS) throw new Error(`has ${members.length} members`);
  for (const [member, value] of members) {
    if (value === null) continue;
    // LiteLLM writes 0 for a size it does not know.
    if (SIZES.includes(member) && value !== 0 && !isSize(value))
      throw new Error(`${member} must be a whole number`);
    if (TEXTS.includes(member) && typeof value !== 'string') throw new Error(`${member} must be a text`);
    const shape = PRICE_STRUCTURES[member];
    if (shape !== undefined) {
      if (!fitsPriceStructure(member, value)) throw new Error(`${member} ${shape}`);
    } else if (priceField(member)) checkPrice(member, value);
    else checkSize(member, value, MAX_DEPTH);
  }
}

/** Throws unless a figure is an amount of money that a price can have. */
function checkPrice(member: string, value: unknown): void {
  const { field } = priceField(member)!;
  if (typeof value !== 'number' || !(value >= 0 && value <= MAX_USD) || priceIn(field, value) === undefined)
    throw new Error(`${member} must be a number of USD, from 0 to ${MAX_USD}`);
}

/** Throws if an entry that nobody is billed by is too large to keep, or is no number. */
function checkSize(at: string, value: unknown, depth: number): void {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${at} must be a number`);
  if (typeof value === 'string' && value.length > MAX_NAME_CHARS) throw new Error(`${at} is too long`);
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of entriesOf(at, value, depth)) checkSize(`${at}.${name}`, inner, depth - 1);
}

function entriesOf(at: string, value: object, depth: number): [string, unknown][] {
  const entries = Object.entries(value) as [string, unknown][];
  if (!depth || entries.length > MAX_ENTRIES) throw new Error(`${at} is too large or too deep`);
  return entries;
}

const isSize = (value: unknown) => typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
