// Writes src/prices/table.json from LiteLLM's table and our corrections: `node scripts/price-table/make.mjs`.
// With `--check` it writes nothing, and fails if the file is not what it would write.
import { readFileSync, writeFileSync } from 'node:fs';

const OUT = new URL('../../src/prices/table.json', import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));

/** Claude's makers of clouds whose rows of LiteLLM lack the price of a cache write for an hour. */
const CLAUDE_OF_CLOUDS = /^(?:bedrock|bedrock_converse|vertex_ai-anthropic_models|azure_ai|databricks)$/;
const HOUR_RULE = "Anthropic's pricing page: a cache write for an hour costs twice the prompt";
const WRITE = /^cache_creation_input_token_cost(?<above>_above_\d+k_tokens)?$/;

const SEARCH = 'search_context_cost_per_query';
const CHATS = /^(?:chat|responses)$/;
/** OpenAI's reasoning models, which search the web for a lower fee. */
const REASONS = /(?:^|\/)(?:gpt-[5-9]|o[1-9](?:-|$)|codex-|computer-use)/;

/** Returns the fee of a web search where LiteLLM's row has none, though the provider's models search. */
function searchOf(name, { litellm_provider: provider, mode }) {
  if (!CHATS.test(mode)) return undefined;
  const fee = (figure, source) => ({
    figure: {
      search_context_size_low: figure,
      search_context_size_medium: figure,
      search_context_size_high: figure,
    },
    source,
  });
  if (provider === 'openai' || provider === 'azure')
    return REASONS.test(name)
      ? fee(0.01, "OpenAI's pricing page: 10 for a thousand web searches of a reasoning model")
      : fee(0.025, "OpenAI's pricing page: 25 for a thousand web searches of other models");
  if (
    provider === 'anthropic' ||
    (name.includes('claude') && /^(?:vertex_ai-anthropic_models|azure_ai)$/.test(provider))
  )
    return fee(0.01, "Anthropic's pricing page: 10 for a thousand web searches");
  if (provider === 'xai') return fee(0.005, "xAI's pricing page: 5 for a thousand web searches");
  return undefined;
}

/** Returns the figures by which a row differs from LiteLLM's, each with its source. `null` removes a figure. */
function correctionsOf(name, row, listed) {
  const corrected = {};
  for (const { figures, source } of listed.get(name) ?? [])
    for (const [member, figure] of Object.entries(figures)) corrected[member] = { figure, source };
  const search = row[SEARCH] === undefined ? searchOf(name, row) : undefined;
  if (search) corrected[SEARCH] = search;
  if (!name.includes('claude') || !CLAUDE_OF_CLOUDS.test(row.litellm_provider)) return corrected;
  for (const member of Object.keys(row)) {
    const { above = '' } = WRITE.exec(member)?.groups ?? {};
    if (!WRITE.test(member)) continue;
    const hour = `cache_creation_input_token_cost_above_1hr${above}`;
    const input = row[`input_cost_per_token${above}`];
    // A free row of a table stays free.
    if (row[hour] === undefined && input) corrected[hour] = { figure: doubled(input), source: HOUR_RULE };
  }
  return corrected;
}

/** Returns twice a decimal number, without digits that binary fractions would add. */
function doubled(figure) {
  const [digits, exponent = '0'] = figure.toExponential().split('e');
  const decimals = digits.split('.')[1]?.length ?? 0;
  const whole = BigInt(digits.replace('.', '')) * 2n;
  return Number(`${whole}e${Number(exponent) - decimals}`);
}

export function table() {
  const listed = new Map();
  for (const { models, ...correction } of read('corrections.json'))
    for (const model of models) listed.set(model, [...(listed.get(model) ?? []), correction]);
  const rows = read('litellm.json');
  for (const model of listed.keys())
    if (!rows[model]) throw new Error(`corrections.json names '${model}', which has no row.`);
  const lines = Object.entries(rows).map(([name, row]) => {
    const corrections = Object.entries(correctionsOf(name, row, listed));
    const figures = { ...row };
    for (const [member, { figure }] of corrections)
      if (figure === null) delete figures[member];
      else figures[member] = figure;
    if (corrections.length)
      figures.corrections = Object.fromEntries(corrections.map(([member, { source }]) => [member, source]));
    return `${JSON.stringify(name)}:${JSON.stringify(figures)}`;
  });
  return `{\n${lines.join(',\n')}\n}\n`;
}

const [, script, option] = process.argv;
if (script && import.meta.url.endsWith(script.replaceAll('\\', '/').split('/').slice(-3).join('/'))) {
  if (option !== '--check') writeFileSync(OUT, table());
  else if (readFileSync(OUT, 'utf8') !== table()) {
    console.error('src/prices/table.json is not what scripts/price-table/make.mjs makes of its inputs.');
    process.exitCode = 1;
  }
}
