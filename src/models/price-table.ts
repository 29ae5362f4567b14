import { findProvider, type Provider, updatePrices, waitForUpdate } from '@pydantic/genai-prices';
import { BoundedMap } from '../cache/bounded-map.js';
import { type Price, type PriceLevel, type UnitPrice, unitPrice } from '../policy/price.js';

/** Figures of a model in the table. */
interface KnownModel {
  readonly price?: Price;
  /** Maximum of prompt and answer together, so an upper bound of either. */
  readonly contextTokens?: number;
}

type LibraryModel = Provider['models'][number];
type Match = LibraryModel['match'];

/** Provider names of the library that differ from LiteLLM's. */
const LIBRARY_PROVIDER: Readonly<Record<string, string>> = {
  together_ai: 'together',
  fireworks_ai: 'fireworks',
  xai: 'x-ai',
  text_completion_openai: 'openai',
  'text-completion-openai': 'openai',
};
/** Providers whose bare names have prices, in order of precedence. */
const BARE_NAME_PROVIDERS = ['openai', 'anthropic', 'mistral', 'deepseek', 'google'];
const MAX_REMEMBERED = 10_000;

const remembered = new BoundedMap<string, KnownModel | undefined>(MAX_REMEMBERED);

/**
 * Replaces the table by a newer one. Returns its number of models with a price. Throws and changes nothing if the table has
 * another format, an invalid price, or less than half of the priced models. With half a table, calls would be free or refused.
 */
export async function replacePriceTable(table: unknown): Promise<number> {
  const priced = pricedModels(table);
  const before = pricedModels(await waitForUpdate());
  if (priced < before / 2) throw new Error(`it prices ${priced} models, the one in use ${before}`);
  updatePrices(({ setProviderData }) => setProviderData(table as Provider[]));
  remembered.clear();
  return priced;
}

/** Counts the models of a table that have a price above zero. Throws if an entry is invalid. */
function pricedModels(table: unknown): number {
  if (!Array.isArray(table)) throw new Error('it is no list of providers');
  let priced = 0;
  for (const { id, models } of table as Provider[]) {
    for (const model of models) {
      const where = `${String(id)}/${String(model.id)}`;
      try {
        requireMatch(model.match);
        const sets = Array.isArray(model.prices) ? model.prices.map(({ prices }) => prices) : [model.prices];
        if (sets.flatMap((prices) => amountsIn(prices)).some((amount) => amount > 0)) priced++;
        const size = model.context_window;
        if (size !== undefined && !(Number.isSafeInteger(size) && size > 0))
          throw new Error('its size is none');
      } catch (error) {
        throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
      }
    }
  }
  return priced;
}

const TEXT_MATCHES = ['equals', 'starts_with', 'ends_with', 'contains', 'regex'];

function requireMatch(match: object): void {
  const [kind = '', by] = Object.entries(match)[0] ?? [];
  if (Array.isArray(by) && (kind === 'or' || kind === 'and')) by.forEach(requireMatch);
  else if (typeof by !== 'string' || !TEXT_MATCHES.includes(kind)) throw new Error('it matches no name');
  else if (kind === 'regex') new RegExp(by);
}

function amountsIn(prices: LibraryPrice): number[] {
  const amounts = Object.values(prices).flatMap((price) =>
    typeof price === 'object'
      ? [price.base, ...price.tiers.flatMap(({ start, price: dearer }) => [start, dearer])]
      : (price ?? []),
  );
  if (!amounts.every((amount) => Number.isFinite(amount) && amount >= 0)) throw new Error('a price is none');
  return amounts;
}

/** Returns the price on the day of `on`, and the size, of a provider's model. Undefined if it is not in the table. */
export function knownModel(provider: string, name: string, on = new Date()): KnownModel | undefined {
  const day = on.toISOString().slice(0, 10);
  const key = `${day}/${provider}/${name}`;
  if (!remembered.has(key)) remembered.set(key, lookUp(provider, name, day));
  return remembered.get(key);
}

/** Returns the provider in whose table a bare name has a price: `gpt-4o` is OpenAI's. Undefined if the name is unknown. */
export function pricedProvider(name: string): string | undefined {
  if (name.includes('/')) return undefined;
  // A fine-tuned model's name carries its base: `ft:gpt-4-0613:acme::id`.
  const [prefix, base = ''] = name.split(':');
  const baseName = prefix === 'ft' ? base : name;
  return BARE_NAME_PROVIDERS.find((provider) => libraryModel(provider, baseName));
}

function lookUp(provider: string, name: string, day: string): KnownModel | undefined {
  const model = libraryModel(LIBRARY_PROVIDER[provider] ?? provider, name);
  if (!model) return undefined;
  const price = isFreeOfCharge(model) ? FREE : priceOf(model.prices, day);
  return {
    ...(price && { price }),
    ...(model.context_window !== undefined && { contextTokens: model.context_window }),
  };
}

const FREE: Price = { input: 0n as UnitPrice, output: 0n as UnitPrice };

/** Returns whether a model is free. The library has no prices for OpenAI's moderation, which is free. */
const isFreeOfCharge = ({ id, prices }: LibraryModel) =>
  id === 'moderation' && Object.keys(prices).length === 0;

function libraryModel(providerId: string, name: string): LibraryModel | undefined {
  return findProvider({ providerId })?.models.find(({ match }) => matches(match, name.toLowerCase()));
}

function matches(match: Match, name: string): boolean {
  if ('or' in match) return match.or.some((one) => matches(one, name));
  if ('and' in match) return match.and.every((one) => matches(one, name));
  if ('equals' in match) return name === match.equals.toLowerCase();
  if ('starts_with' in match) return name.startsWith(match.starts_with.toLowerCase());
  if ('ends_with' in match) return name.endsWith(match.ends_with.toLowerCase());
  if ('contains' in match) return name.includes(match.contains.toLowerCase());
  return new RegExp(match.regex, 'i').test(name);
}

const PER_MILLION = 6;
const PER_THOUSAND = 3;

/** Returns the price on a day. If it changes with the hour, returns the highest of the day. */
function priceOf(prices: LibraryModel['prices'], day: string): Price | undefined {
  if (!Array.isArray(prices)) return converted(prices);
  const ofHours = prices.filter(({ constraint }) => constraint?.type === 'time_of_date');
  const ofDay = prices.findLast(
    ({ constraint }) => !constraint || (constraint.type === 'start_date' && constraint.start_date <= day),
  );
  return [...(ofDay ? [ofDay] : []), ...ofHours]
    .map((one) => converted(one.prices))
    .reduce<Price | undefined>(
      (dearest, price) =>
        price && (!dearest || price.input + price.output > dearest.input + dearest.output) ? price : dearest,
      undefined,
    );
}

type LibraryPrice = Exclude<LibraryModel['prices'], unknown[]>;

function converted(prices: LibraryPrice): Price | undefined {
  const at = (field: string, tokens: number, powerOf10 = PER_MILLION): UnitPrice | undefined => {
    const price = prices[field];
    if (price === undefined) return undefined;
    const usd =
      typeof price === 'number'
        ? price
        : (price.tiers.findLast(({ start }) => tokens > start)?.price ?? price.base);
    return unitPrice(usd, powerOf10);
  };
  const level = (tokens: number): PriceLevel | undefined => {
    const input = at('input_mtok', tokens);
    if (input === undefined) return undefined;
    return {
      input,
      output: at('output_mtok', tokens) ?? (0n as UnitPrice),
      ...defined({
        cachedInput: at('cache_read_mtok', tokens),
        cacheWrite: at('cache_write_mtok', tokens),
        cacheWrite1h: at('cache_write_1h_mtok', tokens),
        inputAudio: at('input_audio_mtok', tokens),
        inputImageToken: at('input_image_mtok', tokens),
        reasoning: at('output_reasoning_mtok', tokens),
        outputAudio: at('output_audio_mtok', tokens),
        outputImageToken: at('output_image_mtok', tokens),
        request: at('requests_kcount', tokens, PER_THOUSAND),
        webSearches: at('web_searches_kcount', tokens, PER_THOUSAND),
      }),
    };
  };
  const plain = level(0);
  if (!plain) return undefined;
  const starts = Object.values(prices).flatMap((price) =>
    typeof price === 'object' ? price.tiers.map(({ start }) => start) : [],
  );
  const tiers = [...new Set(starts)]
    .sort((a, b) => a - b)
    .map((start) => ({ ...level(start + 1)!, aboveInputTokens: start }));
  return tiers.length ? { ...plain, tiers } : plain;
}

const defined = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
