import { nanoUsdFromUsd } from '../policy/money.js';
import { shareOf } from '../policy/price-terms.js';
import { isKnownProvider } from './provider-facts.js';

/** Discounts by provider, or by `provider/model` with or without stars: shares of the list price. LiteLLM `cost_discount_config`. */
export type CostDiscounts = Readonly<Record<string, number>>;

/** Margins by provider, and of `global` for all others. LiteLLM `cost_margin_config`. */
export type CostMargins = Readonly<Record<string, number | CostMargin>>;

/** A margin in parts: a share of the cost, and USD for each call. */
export interface CostMargin {
  readonly percentage?: number;
  readonly fixed_amount?: number;
}

/** A wrong entry: its path below the setting, and what is wrong. */
export interface TermsFault {
  readonly at: string;
  readonly problem: string;
}

/** Maximum entries of one setting, and maximum characters of a name. */
const MAX_ENTRIES = 1_000;
const MAX_NAME_CHARS = 256;
/** The highest margin: ten times the cost. */
const MAX_MARGIN = 10;

/** Reads `cost_discount_config`. Wrong entries are left out and reported. */
export function readDiscounts(value: unknown, report: (fault: TermsFault) => void): CostDiscounts {
  return readEntries(value, report, (name, discount) => {
    const [provider, ...rest] = name.split('/');
    const pattern = rest.join('/');
    const fault =
      providerFault(provider!) ??
      (rest.length && !pattern ? 'has no model behind its provider' : undefined) ??
      (/[?[\]]/.test(pattern)
        ? 'is a pattern with ? or [ ]: only * stands for other characters here'
        : undefined);
    if (fault) return void report({ at: name, problem: fault });
    return shareAt(name, discount, 1, report);
  });
}

/** Reads `cost_margin_config`. Wrong entries are left out and reported. */
export function readMargins(value: unknown, report: (fault: TermsFault) => void): CostMargins {
  return readEntries(value, report, (name, margin) => {
    const fault = name === 'global' ? undefined : providerFault(name);
    if (fault) return void report({ at: name, problem: fault });
    if (!isMapping(margin)) return shareAt(name, margin, MAX_MARGIN, report);
    return marginAt(name, margin, report);
  });
}

function marginAt(
  name: string,
  margin: Readonly<Record<string, unknown>>,
  report: (fault: TermsFault) => void,
): CostMargin | undefined {
  const unknown = Object.keys(margin).find((member) => member !== 'percentage' && member !== 'fixed_amount');
  if (unknown !== undefined)
    return void report({
      at: `${name}.${unknown}`,
      problem: 'is unknown: a margin has percentage and fixed_amount',
    });
  if (margin.percentage == null && margin.fixed_amount == null)
    return void report({ at: name, problem: 'must have percentage or fixed_amount' });
  const percentage =
    margin.percentage == null
      ? undefined
      : shareAt(`${name}.percentage`, margin.percentage, MAX_MARGIN, report);
  const fixed = margin.fixed_amount == null ? undefined : numberOf(margin.fixed_amount);
  const isAmount = fixed !== undefined && nanoUsdFromUsd(fixed) !== undefined;
  if (margin.fixed_amount != null && !isAmount)
    report({
      at: `${name}.fixed_amount`,
      problem: 'must be an amount in USD, zero or more, with at most 9 decimals',
    });
  return {
    ...(percentage !== undefined && { percentage }),
    ...(isAmount && { fixed_amount: fixed }),
  };
}

function readEntries<T>(
  value: unknown,
  report: (fault: TermsFault) => void,
  read: (name: string, value: unknown) => T | undefined,
): Readonly<Record<string, T>> {
  if (value === undefined || value === null) return {};
  if (!isMapping(value)) {
    report({ at: '', problem: 'must be a mapping' });
    return {};
  }
  const entries = Object.entries(value);
  if (entries.length > MAX_ENTRIES) {
    report({ at: '', problem: `has more than ${MAX_ENTRIES} entries` });
    return {};
  }
  return Object.fromEntries(
    entries.flatMap(([name, entry]) => {
      const known = read(name, entry);
      return known === undefined ? [] : [[name, known] as const];
    }),
  );
}

function providerFault(provider: string): string | undefined {
  if (provider.length > MAX_NAME_CHARS) return `has more than ${MAX_NAME_CHARS} characters`;
  return isKnownProvider(provider) ? undefined : 'names no provider that LiteLLM knows';
}

function shareAt(
  at: string,
  value: unknown,
  most: number,
  report: (fault: TermsFault) => void,
): number | undefined {
  const share = numberOf(value);
  if (share !== undefined && share <= most && shareOf(share) !== undefined) return share;
  report({ at, problem: `must be a number from 0 to ${most} with at most 9 decimals` });
  return undefined;
}

/** Returns a number, also one that is written as text, as YAML reads `1e-6`. */
function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number >= 0 ? number : undefined;
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
