import { readFileSync } from 'node:fs';

/** The sizes that a provider documents for a model. */
export interface DocumentedLimits {
  readonly maxInputTokens?: number;
  readonly maxOutputTokens?: number;
  /** True if the maximum answer fills the context, so that a prompt leaves less. */
  readonly answersFillContext?: true;
  /** True if the model can reason. */
  readonly reasons?: true;
}

interface Row extends DocumentedLimits {
  readonly provider: string;
}

/** Provider names of the table that differ from LiteLLM's prefixes. */
export const TABLE_PROVIDER: Readonly<Record<string, string>> = {
  text_completion_openai: 'text-completion-openai',
  ollama_chat: 'ollama',
};

/** Providers by OpenRouter's vendor prefixes. The vendor's limits apply. */
const VENDOR_PROVIDER: Readonly<Record<string, string>> = {
  openai: 'openai',
  anthropic: 'anthropic',
  mistralai: 'mistral',
  deepseek: 'deepseek',
  'x-ai': 'xai',
  moonshotai: 'moonshot',
};

let rows: ReadonlyMap<string, Row> | undefined;

/**
 * Returns a model's sizes from `known/price-facts.json` and `known/price-table.json`, or an empty object. Reads the files on
 * the first call and stores only the sizes.
 */
export function documentedLimits(provider: string, name: string): DocumentedLimits {
  rows ??= readRows();
  for (const one of lookupNames(name)) {
    const row = provider === 'openrouter' ? rowOfVendor(rows, one) : rowOf(rows, provider, one);
    if (row) return row;
  }
  return {};
}

function rowOf(known: ReadonlyMap<string, Row>, provider: string, name: string): Row | undefined {
  const own = TABLE_PROVIDER[provider] ?? provider;
  const bare = known.get(name);
  return known.get(`${own}/${name}`) ?? (bare?.provider === own ? bare : undefined);
}

function rowOfVendor(known: ReadonlyMap<string, Row>, name: string): Row | undefined {
  const slash = name.indexOf('/');
  const provider = VENDOR_PROVIDER[name.slice(0, Math.max(slash, 0))];
  if (provider === undefined) return undefined;
  const model = name.slice(slash + 1);
  return rowOf(known, provider, model) ?? rowOf(known, provider, model.replaceAll('.', '-'));
}

const DATED = /-(?:\d{4}-\d{2}-\d{2}|\d{8}|latest)$/;

/** Returns the name, then the name without variant or fine-tuning, then without version. */
export function lookupNames(name: string): readonly string[] {
  const [model = '', base = ''] = name.split(':');
  const plain = model === 'ft' ? `ft:${base}` : model;
  return [...new Set([name, plain, plain.replace(DATED, '')])];
}

function readRows(): ReadonlyMap<string, Row> {
  const known = new Map<string, Row>();
  for (const [name, entry] of Object.entries(
    read('price-table') as Record<string, Record<string, unknown>>,
  )) {
    const row = sizesOf(entry);
    if (row.maxInputTokens !== undefined || row.maxOutputTokens !== undefined)
      known.set(name, { provider: String(entry.litellm_provider), ...row });
  }
  const facts = read('price-facts') as { max_output_tokens: { models: Record<string, number> } };
  for (const [qualified, maxOutputTokens] of Object.entries(facts.max_output_tokens.models)) {
    const slash = qualified.indexOf('/');
    const [provider, name] = [qualified.slice(0, slash), qualified.slice(slash + 1)];
    const { maxInputTokens, reasons } = rowOf(known, provider, name) ?? {};
    known.set(qualified, {
      provider,
      ...sizesOf({
        max_input_tokens: maxInputTokens,
        max_output_tokens: maxOutputTokens,
        supports_reasoning: reasons,
      }),
    });
  }
  return known;
}

function sizesOf({
  max_input_tokens,
  max_output_tokens,
  supports_reasoning,
}: Record<string, unknown>): DocumentedLimits {
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

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`known/${name}.json`, import.meta.url), 'utf8'));
