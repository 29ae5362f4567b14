import { BoundedMap } from '../cache/bounded-map.js';
import type { Price, UnitPrice } from '../policy/price.js';
import { costMap } from './cost-map.js';
import { libraryModel } from './library-prices.js';
import { isPriceMember, priceOfMembers } from './price-of-members.js';
import { lookupNames, type RowName, rowNames } from './row-names.js';
import { scaledPrice } from './scaled-price.js';
import { shippedTable } from './shipped-table.js';
import type { TableRow } from './table-row.js';

/** Sources of figures, in the order in which they count. */
export type PriceSource = 'file' | 'cost_map' | 'tollgate' | 'litellm' | 'genai-prices' | 'self-hosted';

/** Figures of all sources together about a provider's model. */
export interface KnownModel {
  readonly price?: Price;
  readonly maxInputTokens?: number;
  readonly maxOutputTokens?: number;
  /** Maximum of prompt and answer together, so an upper bound of either. */
  readonly contextTokens?: number;
  /** True if the maximum answer fills the context, so that a prompt leaves less. */
  readonly answersFillContext?: true;
  /** True if the model can reason. */
  readonly reasons?: true;
  /** Members in LiteLLM's format: figures, sizes, abilities. */
  readonly members: TableRow;
  /** The source of `members`. */
  readonly source: PriceSource;
  /** Members that are from another source than `source`. */
  readonly otherSources?: Readonly<Record<string, PriceSource>>;
  /** Set if `price` is so many thousandths of `members`: a provider bills tokens higher in some places. */
  readonly priceThousandths?: bigint;
  /** Members that differ from those of `source`, each with the source that we name for it. */
  readonly corrections: Readonly<Record<string, string>>;
}

const MAX_REMEMBERED = 10_000;
const remembered = new BoundedMap<string, KnownModel | undefined>(MAX_REMEMBERED);

/** Forgets what was looked up: a source has changed. */
export const forgetKnownModels = (): void => remembered.clear();

/** Servers of one's own: a model costs nothing there unless somebody writes a price. */
const SELF_HOSTED: ReadonlySet<string> = new Set([
  'ollama',
  'ollama_chat',
  'lm_studio',
  'llamafile',
  'xinference',
  'docker_model_runner',
  'lemonade',
]);
const FREE: Price = { input: 0n as UnitPrice, output: 0n as UnitPrice };
const FREE_MEMBERS = { input_cost_per_token: 0, output_cost_per_token: 0 };
/** Providers that bill the higher tier from its threshold on. Source: xAI's model pages. */
const TIERS_BEGIN_AT_THRESHOLD: ReadonlySet<string> = new Set(['xai']);
/** A name of OpenRouter that costs nothing. */
const FREE_VARIANT = /:free$/;

/** Returns price, sizes and abilities of a provider's model. Undefined if no source has it. Prices are those of the day of `on`. */
export function knownModel(provider: string, name: string, on = new Date()): KnownModel | undefined {
  const day = on.toISOString().slice(0, 10);
  const key = `${day}/${provider}/${name}`;
  if (!remembered.has(key)) remembered.set(key, lookUp(provider, name, day));
  return remembered.get(key);
}

function lookUp(provider: string, name: string, day: string): KnownModel | undefined {
  const row = provider === 'openrouter' ? undefined : rowOf(rowNames(provider, name));
  const library = libraryModel(provider, name, day);
  if (row) {
    const { members, source, otherSources, isDataZone } = row;
    const price = priceIn(members, provider, isDataZone) ?? freeOf(provider);
    const found = known(members, source, price ?? library?.price, library?.contextTokens);
    if (!price && library?.price) return withPriceOf(library.members, found);
    return {
      ...found,
      ...(otherSources && { otherSources }),
      ...(isDataZone && { priceThousandths: DATA_ZONE_THOUSANDTHS }),
    };
  }
  if (provider === 'openrouter' && FREE_VARIANT.test(name))
    return { ...vendorSizes(name), price: FREE, members: FREE_MEMBERS, source: 'tollgate', corrections: {} };
  if (library) {
    const { members, price, contextTokens } = library;
    const found = known(members, 'genai-prices', price ?? freeOf(provider), contextTokens);
    return provider === 'openrouter' ? { ...found, ...vendorSizes(name) } : found;
  }
  if (SELF_HOSTED.has(provider)) return known(FREE_MEMBERS, 'self-hosted', FREE, undefined);
  const sizes = provider === 'openrouter' ? vendorSizes(name) : {};
  return Object.keys(sizes).length
    ? { ...sizes, members: {}, source: 'litellm', corrections: {} }
    : undefined;
}

/** Providers whose bare names have prices, in order of precedence. */
const BARE_NAME_PROVIDERS = ['openai', 'anthropic', 'mistral', 'deepseek', 'gemini'];

/** Returns the provider at which a bare name has a price: `gpt-4o` is OpenAI's. Undefined if the name is unknown. */
export function pricedProvider(name: string): string | undefined {
  if (name.includes('/')) return undefined;
  // A fine-tuned model's name carries its base: `ft:gpt-4-0613:acme::id`.
  const [prefix, base = ''] = name.split(':');
  const names = prefix === 'ft' ? [name, base] : [name];
  return BARE_NAME_PROVIDERS.find((provider) => names.some((one) => knownModel(provider, one)?.price));
}

const freeOf = (provider: string): Price | undefined => (SELF_HOSTED.has(provider) ? FREE : undefined);

/** Returns the price that members in LiteLLM's format mean at this provider. */
export function priceIn(members: TableRow, provider: string, isDataZone?: true): Price | undefined {
  const price = priceOfMembers(members, { tiersBeginAtThreshold: TIERS_BEGIN_AT_THRESHOLD.has(provider) });
  return price && isDataZone ? scaledPrice(price, DATA_ZONE_THOUSANDTHS) : price;
}

/** Adds the members of the library's price to a model whose row has none. */
function withPriceOf(library: TableRow, model: KnownModel): KnownModel {
  const added = priceMembers(library);
  const { otherSources } = model;
  return {
    ...model,
    members: { ...model.members, ...added },
    otherSources: { ...otherSources, ...everyMember(added, 'genai-prices') },
  };
}

const everyMember = (members: TableRow, source: PriceSource) =>
  Object.fromEntries(Object.keys(members).map((member) => [member, source] as const));

interface FoundRow {
  readonly members: TableRow;
  readonly source: PriceSource;
  readonly otherSources?: KnownModel['otherSources'];
  readonly isDataZone?: true;
}

/** Returns the row of the first of these names. A name's row of the operator's cost map comes before that of the release. */
function rowOf(names: readonly RowName[]): FoundRow | undefined {
  for (const { name, provider, isDataZone } of names) {
    const [own, shipped] = [costMap, shippedTable].map((table) => {
      const members = table.row(name);
      const owner = members?.litellm_provider;
      return provider && owner !== undefined && !provider.test(String(owner)) ? undefined : members;
    });
    const zone = isDataZone && { isDataZone };
    // A price set in part keeps the rest of the table's.
    if (own) return { ...overlaid(own, shipped), ...zone };
    if (shipped) return { members: shipped, source: 'litellm', ...zone };
  }
  return undefined;
}

/** Returns a row of the operator's cost map with the rest of the release's row. */
function overlaid(own: TableRow, shipped: TableRow = {}): FoundRow {
  const rest = Object.fromEntries(Object.entries(shipped).filter(([member]) => !Object.hasOwn(own, member)));
  const corrections = Object.entries((rest.corrections ?? {}) as Record<string, string>);
  return {
    members: {
      ...rest,
      ...own,
      corrections: Object.fromEntries(corrections.filter(([member]) => !Object.hasOwn(own, member))),
    },
    source: 'cost_map',
    otherSources: everyMember(rest, 'litellm'),
  };
}

function known(
  members: TableRow,
  source: PriceSource,
  price: Price | undefined,
  window: number | undefined,
): KnownModel {
  const sizes = sizesOf(members);
  const { maxInputTokens = 0, maxOutputTokens = 0 } = sizes;
  const contextTokens = Math.max(maxInputTokens, window ?? 0);
  // A window that prompt and answer fill together says nothing against the documented prompt.
  const isExplained = maxInputTokens > 0 && contextTokens <= maxInputTokens + maxOutputTokens;
  const longest = isExplained ? maxInputTokens : contextTokens;
  return {
    ...sizes,
    ...(longest > 0 && { maxInputTokens: longest }),
    ...(contextTokens > 0 && { contextTokens }),
    ...(price && { price }),
    members,
    source,
    corrections: (members.corrections ?? {}) as Record<string, string>,
  };
}

type Sizes = Pick<KnownModel, 'maxInputTokens' | 'maxOutputTokens' | 'answersFillContext' | 'reasons'>;

function sizesOf({ max_input_tokens, max_output_tokens, supports_reasoning }: TableRow): Sizes {
  const [input, output] = [sizeIn(max_input_tokens), sizeIn(max_output_tokens)];
  return {
    ...(input !== undefined && { maxInputTokens: input }),
    ...(output !== undefined && { maxOutputTokens: output }),
    ...(input !== undefined &&
      output !== undefined &&
      output >= input && { answersFillContext: true as const }),
    ...(supports_reasoning === true && { reasons: true as const }),
  };
}

const sizeIn = (value: unknown) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;

/** Providers by OpenRouter's vendor prefixes. The vendor's limits apply. */
const VENDOR_PROVIDER: Readonly<Record<string, string>> = {
  openai: 'openai',
  anthropic: 'anthropic',
  mistralai: 'mistral',
  deepseek: 'deepseek',
  'x-ai': 'xai',
  moonshotai: 'moonshot',
};

function vendorSizes(name: string): Sizes & Pick<KnownModel, 'contextTokens'> {
  for (const one of lookupNames(name)) {
    const slash = one.indexOf('/');
    const provider = VENDOR_PROVIDER[one.slice(0, Math.max(slash, 0))];
    if (provider === undefined) continue;
    const model = one.slice(slash + 1);
    const row = rowOf([...rowNames(provider, model), ...rowNames(provider, model.replaceAll('.', '-'))]);
    if (!row) continue;
    const sizes = sizesOf(row.members);
    return { ...sizes, ...(sizes.maxInputTokens !== undefined && { contextTokens: sizes.maxInputTokens }) };
  }
  return {};
}

/** Azure's data zones cost a tenth more. Source: Azure's price page, and the rows of the table that are there. */
const DATA_ZONE_THOUSANDTHS = 1_100n;

/** Returns the members of a row that make its price. */
export const priceMembers = (members: TableRow): TableRow =>
  Object.fromEntries(Object.entries(members).filter(([name]) => isPriceMember(name)));
