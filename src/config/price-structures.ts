import { priceField } from './price-fields.js';
import { isMapping, type Section } from './section.js';

/** LiteLLM's prices that are more than a number, with their shape in words. */
export const PRICE_STRUCTURES: Readonly<Record<string, string>> = {
  search_context_cost_per_query: 'must be a mapping of search_context_size_low, _medium and _high to USD',
  tiered_pricing: 'must be a list of mappings, each with range: [from, to] in tokens and prices',
  off_peak_pricing: 'must be a mapping with hours_utc or windows, such as "16:30-00:30", and prices',
  provider_specific_entry: 'must be a mapping of names to factors',
};

const WINDOW = /^\s*(?:[01]?\d|2[0-4]):[0-5]\d\s*-\s*(?:[01]?\d|2[0-4]):[0-5]\d\s*$/;
/** Most tiers, windows or sizes of one price. */
const MAX_ENTRIES = 100;

/** Returns the value of such a member. Reports one that has another shape: as it stands it would bill something else. */
export function priceStructure(section: Section, key: string): unknown {
  const value = section.raw(key);
  if (value === undefined || value === null) return undefined;
  if (key === SEARCHES && isMapping(value)) return feesOf(section.section(key));
  if (!fitsPriceStructure(key, value)) section.problem(key, PRICE_STRUCTURES[key]!);
  return value;
}

/** Tells whether a value has the shape of this member. */
export const fitsPriceStructure = (key: string, value: unknown): boolean => FITS[key]!(value);

const SEARCHES = 'search_context_cost_per_query';

const feesOf = (fees: Section) => Object.fromEntries(fees.keys().map((key) => [key, fees.number(key)]));

const FITS: Readonly<Record<string, (value: unknown) => boolean>> = {
  [SEARCHES]: (value) => isMapping(value) && isSmall(value) && Object.values(value).every(isAmount),
  tiered_pricing: (value) =>
    Array.isArray(value) && value.length > 0 && value.length <= MAX_ENTRIES && value.every(isTier),
  off_peak_pricing: (value) => isMapping(value) && isSmall(value) && isOffPeak(value),
  provider_specific_entry: (value) => isMapping(value) && isSmall(value),
};

const isSmall = (value: object) => Object.keys(value).length <= MAX_ENTRIES;
/** The most that a figure of a price can be, in USD; also the end of a range of tokens. */
const MAX_AMOUNT = 1e9;
const isAmount = (value: unknown) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= MAX_AMOUNT;

function isTier(tier: unknown): boolean {
  if (!isMapping(tier) || !isSmall(tier)) return false;
  const { range, ...prices } = tier;
  return (
    Array.isArray(range) &&
    range.length === 2 &&
    range.every(isAmount) &&
    Object.entries(prices).some(([name]) => priceField(name)) &&
    Object.entries(prices).every(([name, usd]) => !priceField(name) || isAmount(usd))
  );
}

function isOffPeak({ hours_utc, windows, ...others }: Record<string, unknown>): boolean {
  const rules = windows === undefined ? [] : windows;
  if (!Array.isArray(rules) || rules.length > MAX_ENTRIES) return false;
  const hours = [
    ...(hours_utc === undefined ? [] : [hours_utc]),
    ...rules.map((rule: unknown) => (isMapping(rule) ? rule.hours_utc : undefined)),
  ];
  return (
    hours.length > 0 &&
    hours.every((one) => (Array.isArray(one) ? one : [one]).every((text) => WINDOW.test(String(text)))) &&
    Object.entries(others).some(([name]) => priceField(name)) &&
    Object.entries(others).every(([name, usd]) => !priceField(name) || isAmount(usd))
  );
}
