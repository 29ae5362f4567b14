import { findProvider, type Provider, updatePrices, waitForUpdate } from '@pydantic/genai-prices';
import type { Price } from '../policy/price.js';
import { priceOfMembers } from './price-of-members.js';
import type { TableRow } from './table-row.js';

/** Figures of a model in the library, also under LiteLLM's names. */
export interface LibraryFigures {
  readonly members: TableRow;
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
  gemini: 'google',
  vertex_ai: 'google',
};
/**
 * Replaces the table by a newer one. Returns its number of models with a price. Throws and changes nothing if the table has
 * another format, an invalid price, or less than half of the priced models. With half a table, calls would be free or refused.
 */
export async function replacePriceTable(table: unknown): Promise<number> {
  const priced = pricedModels(table);
  const before = pricedModels(await waitForUpdate());
  if (priced < before / 2) throw new Error(`it prices ${priced} models, the one in use ${before}`);
  updatePrices(({ setProviderData }) => setProviderData(table as Provider[]));
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

/** Returns what the library says about a provider's model on a day. Undefined if it has no such name. */
export function libraryModel(provider: string, name: string, day: string): LibraryFigures | undefined {
  const model = modelIn(LIBRARY_PROVIDER[provider] ?? provider, name);
  if (!model) return undefined;
  const members = isFreeOfCharge(model) ? FREE_MEMBERS : membersOn(model.prices, day);
  const price = members && priceOfMembers(members);
  return {
    members: members ?? {},
    ...(price && { price }),
    ...(model.context_window !== undefined && { contextTokens: model.context_window }),
  };
}

const FREE_MEMBERS: TableRow = { input_cost_per_token: 0, output_cost_per_token: 0 };

/** Returns whether a model is free. The library has no prices for OpenAI's moderation, which is free. */
const isFreeOfCharge = ({ id, prices }: LibraryModel) =>
  id === 'moderation' && Object.keys(prices).length === 0;

function modelIn(providerId: string, name: string): LibraryModel | undefined {
  const wanted = name.toLowerCase();
  return findProvider({ providerId })?.models.find(({ match }) => matches(match, wanted));
}

/** Text that may follow a name that a model begins with: its date. */
const DATE = /^[-@]?(?:\d{4}-?\d{2}-?\d{2}|\d{4}|latest|preview)$/;

/**
 * Tells whether a name is the model's. The library also matches names that contain or end with a text, or that go on behind
 * it: these are other models as often as not, so they count as unknown.
 */
function matches(match: Match, name: string): boolean {
  if ('or' in match) return match.or.some((one) => matches(one, name));
  if ('equals' in match) return name === match.equals.toLowerCase();
  if ('starts_with' in match) {
    const start = match.starts_with.toLowerCase();
    return name === start || (name.startsWith(start) && DATE.test(name.slice(start.length)));
  }
  return false;
}

/** Returns the figures on a day under LiteLLM's names. If they change with the hour, returns the highest of the day. */
function membersOn(prices: LibraryModel['prices'], day: string): TableRow | undefined {
  if (!Array.isArray(prices)) return converted(prices);
  const ofHours = prices.filter(({ constraint }) => constraint?.type === 'time_of_date');
  const ofDay = prices.findLast(
    ({ constraint }) => !constraint || (constraint.type === 'start_date' && constraint.start_date <= day),
  );
  const figures = [...(ofDay ? [ofDay] : []), ...ofHours].map(({ prices: one }) => converted(one));
  return figures.toSorted((a, b) => sizeOf(b) - sizeOf(a))[0];
}

const sizeOf = ({ input_cost_per_token: input, output_cost_per_token: output }: Figures) =>
  (input ?? 0) + (output ?? 0);

type LibraryPrice = Exclude<LibraryModel['prices'], unknown[]>;
type Figures = Record<string, number>;

/** LiteLLM's names of the library's figures, and the power of ten of the units that the library's are for. */
const MEMBERS: Readonly<Record<string, readonly [member: string, powerOf10: number]>> = {
  input_mtok: ['input_cost_per_token', 6],
  output_mtok: ['output_cost_per_token', 6],
  cache_read_mtok: ['cache_read_input_token_cost', 6],
  cache_write_mtok: ['cache_creation_input_token_cost', 6],
  cache_write_1h_mtok: ['cache_creation_input_token_cost_above_1hr', 6],
  input_audio_mtok: ['input_cost_per_audio_token', 6],
  input_image_mtok: ['input_cost_per_image_token', 6],
  input_video_mtok: ['input_cost_per_video_token', 6],
  cache_audio_read_mtok: ['cache_read_input_audio_token_cost', 6],
  cache_image_read_mtok: ['cache_read_input_image_token_cost', 6],
  output_reasoning_mtok: ['output_cost_per_reasoning_token', 6],
  output_audio_mtok: ['output_cost_per_audio_token', 6],
  output_image_mtok: ['output_cost_per_image_token', 6],
  output_citation_mtok: ['citation_cost_per_token', 6],
  requests_kcount: ['input_cost_per_request', 3],
};
const SECONDS_PER_HOUR = 3_600;
const TOKENS_PER_STEP = 1_000;

function converted(prices: LibraryPrice): Figures {
  const figures: Figures = {};
  for (const [field, price] of Object.entries(prices)) {
    const [member, power] = MEMBERS[field] ?? [];
    if (member === undefined || price === undefined) continue;
    const { base, tiers } = typeof price === 'number' ? { base: price, tiers: [] } : price;
    figures[member] = shifted(base, power!);
    // The library begins some tiers at the last token of the plain price: 271,999 for "above 272,000".
    for (const { start, price: dearer } of tiers)
      figures[`${member}_above_${Math.round(start / TOKENS_PER_STEP)}k_tokens`] = shifted(dearer, power!);
  }
  const hour = prices.audio_hours ?? prices.input_audio_hours;
  if (typeof hour === 'number') figures.input_cost_per_second = hour / SECONDS_PER_HOUR;
  const searches = prices.web_searches_kcount;
  const search =
    typeof searches === 'number' ? { search_context_cost_per_query: ofEverySize(shifted(searches, 3)) } : {};
  return { ...figures, ...(search as unknown as Figures) };
}

const ofEverySize = (usd: number) => ({
  search_context_size_low: usd,
  search_context_size_medium: usd,
  search_context_size_high: usd,
});

/** Divides by a power of ten, without digits that binary fractions would add. */
function shifted(figure: number, powerOf10: number): number {
  const [digits, exponent = '0'] = String(figure).split('e');
  return Number(`${digits}e${Number(exponent) - powerOf10}`);
}
