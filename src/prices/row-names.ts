/** A name under which a row may stand. */
export interface RowName {
  readonly name: string;
  /** Set if the row must be of this provider. The name then has no prefix. */
  readonly provider?: RegExp;
  /** The price is a tenth higher than the row's: a data zone of Azure. */
  readonly isDataZone?: true;
}

/** Providers whose table has another name. */
export const TABLE_PROVIDER: Readonly<Record<string, string>> = {
  text_completion_openai: 'text-completion-openai',
  ollama_chat: 'ollama',
  vertex_ai_beta: 'vertex_ai',
};

/** Providers whose rows stand under bare names, with the names that the table has for them. */
const BARE_ROWS: Readonly<Record<string, RegExp>> = {
  openai: /^(?:openai|text-completion-openai)$/,
  'text-completion-openai': /^(?:openai|text-completion-openai)$/,
  cohere: /^cohere(?:_chat)?$/,
  cohere_chat: /^cohere(?:_chat)?$/,
  bedrock: /^bedrock(?:_converse)?$/,
  vertex_ai: /^vertex_ai/,
  gemini: /^(?:gemini|vertex_ai-language-models)$/,
  azure: /^azure(?:_text)?$/,
};
const OPENAI = BARE_ROWS.openai!;
const ANTHROPIC = /^anthropic$/;

const DATED = /[-@](?:\d{4}-\d{2}-\d{2}|\d{8}|latest|default)$/;

/** Returns the name, then the name without variant or fine-tuning, then without version. */
export function lookupNames(name: string): readonly string[] {
  const [model = '', base = ''] = name.split(':');
  const plain = model === 'ft' ? `ft:${base}` : model;
  return [...new Set([name, plain, plain.replace(DATED, '')])];
}

/** Returns the names under which a provider's model may stand in the table, the most exact first. */
export function rowNames(provider: string, upstreamName: string): readonly RowName[] {
  const own = TABLE_PROVIDER[provider] ?? provider;
  // LiteLLM's prefix of models that are called by OpenAI's Responses.
  const name = upstreamName.replace(/^responses\//, '');
  if (own === 'azure') return azureNames(name);
  if (own === 'bedrock') return bedrockNames(name);
  if (own === 'vertex_ai') return vertexNames(name);
  if (own === 'gemini') return plainNames(own, name.replace(/^models\//, ''));
  if (own === 'fireworks_ai')
    return plainNames(own, name).concat(plainNames(own, `accounts/fireworks/models/${name}`));
  return plainNames(own, name);
}

const plainNames = (own: string, name: string): RowName[] =>
  lookupNames(name).flatMap((one) => [
    { name: `${own}/${one}` },
    { name: one, provider: BARE_ROWS[own] ?? new RegExp(`^${own.replace(/[^\w-]/g, '.')}$`) },
  ]);

/** Zones of Azure, with the names that the table has for OpenAI's models there. */
const ZONE = /^(?<zone>us|eu|global|global-standard)\/(?<model>.+)$/;

/** Azure sells OpenAI's models: a name without a row of its own has OpenAI's price, in a data zone a tenth more. */
function azureNames(name: string): RowName[] {
  const { zone, model = name } = ZONE.exec(name)?.groups ?? {};
  const isDataZone = zone === 'us' || zone === 'eu' ? { isDataZone: true as const } : {};
  const openAi = model.replace(/^gpt-35-/, 'gpt-3.5-');
  return [
    ...lookupNames(name).map((one) => ({ name: `azure/${one}` })),
    ...(zone ? lookupNames(model).map((one) => ({ name: `azure/${one}`, ...isDataZone })) : []),
    ...lookupNames(openAi).map((one) => ({ name: one, provider: OPENAI, ...isDataZone })),
  ];
}

const ARN = /^arn:aws[\w-]*:bedrock:(?<region>[\w-]*):\d*:[\w-]+\/(?<id>.+)$/;
const REGION = /^(?<region>[a-z]{2}(?:-[a-z]+)+-\d)\/(?<id>.+)$/;
/** Ways of Bedrock that LiteLLM's files write before a name. */
const WAY = /^(?:converse|invoke|converse_like)\//;
/** Profiles that serve a model in several regions. */
const PROFILE = /^(?:us|eu|apac|au|jp|ca|sa|us-gov|global)\./;
const VERSION = /(?:-v\d+)?(?::\d+)?$/;

function bedrockNames(written: string): RowName[] {
  const plain = written.replace(WAY, '');
  const { region: regionInName, id: inRegion = plain } = REGION.exec(plain)?.groups ?? {};
  const { region = regionInName, id = inRegion } = ARN.exec(inRegion)?.groups ?? {};
  const model = id.replace(PROFILE, '');
  const provider = BARE_ROWS.bedrock!;
  return [...new Set([id, model])].flatMap((one) => [
    ...(region ? [{ name: `bedrock/${region}/${one}` }] : []),
    ...[one, ...versionsOf(one)].flatMap((name) => [{ name, provider }, { name: `bedrock/${name}` }]),
  ]);
}

/** Returns a name of Bedrock without its version, and with the first one. */
function versionsOf(id: string): string[] {
  const bare = id.replace(VERSION, '');
  return [...new Set([bare, `${bare}-v1`, `${bare}-v1:0`])].filter((name) => name !== id);
}

function vertexNames(written: string): RowName[] {
  const name = written.replace(/^(?:publishers\/)?(?:google|anthropic|mistralai)\/(?:models\/)?/, '');
  const bare = name.replace(/@.*$/, '');
  const provider = BARE_ROWS.vertex_ai!;
  const names = [...new Set([written, name, ...(bare === name ? [`${name}@default`] : [bare, `${bare}@default`]), ...lookupNames(bare)])]; // prettier-ignore
  return [
    ...names.flatMap((one) => [{ name: `vertex_ai/${one}` }, { name: one, provider }]),
    // Anthropic's own price, under Anthropic's own name of the version.
    ...lookupNames(name.replace('@', '-')).map((one) => ({ name: one, provider: ANTHROPIC })),
  ];
}
