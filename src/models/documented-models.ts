import { readFileSync } from 'node:fs';
import { lookupNames, TABLE_PROVIDER } from './documented-limits.js';

/** The kind and the abilities of a model in LiteLLM's public table. */
export interface DocumentedModel {
  readonly provider: string;
  /** `chat`, `embedding`, `moderation` … */
  readonly mode: string;
  /** `supports_vision` … */
  readonly abilities: readonly string[];
}

/** Modes of the routes that the gateway serves. */
const SERVED_MODES: ReadonlySet<string> = new Set([
  'chat',
  'completion',
  'responses',
  'embedding',
  'moderation',
  'image_generation',
  'image_edit',
  'audio_speech',
  'audio_transcription',
  'rerank',
]);
/** Names of the table that stand for prices by size or region, or for models that only their owner has. */
const NO_NAME =
  /^(?:ft:|(?:(?:low|medium|high|standard|hd|eu|us|global|global-standard)\/)+|\d+-x-\d+\/|(?:fireworks-ai|together-ai)-)|(?:^|\/)container$/;

let models: ReadonlyMap<string, DocumentedModel> | undefined;
const namesByProvider = new Map<string, readonly string[]>();

/** Returns what the table says about a provider's model. Undefined if it is not there. */
export function documentedModel(provider: string, name: string): DocumentedModel | undefined {
  const own = TABLE_PROVIDER[provider] ?? provider;
  models ??= readModels();
  for (const one of lookupNames(name)) {
    const bare = models.get(one);
    const model = models.get(`${own}/${one}`) ?? (bare?.provider === own ? bare : undefined);
    if (model) return model;
  }
  return undefined;
}

/** Returns the names of a provider's models that the gateway could serve, without the provider's prefix. */
export function documentedNames(provider: string): readonly string[] {
  const own = TABLE_PROVIDER[provider] ?? provider;
  let names = namesByProvider.get(own);
  if (!names) {
    models ??= readModels();
    const found = [...models]
      .filter(([, model]) => model.provider === own && SERVED_MODES.has(model.mode))
      .map(([name]) => (name.startsWith(`${own}/`) ? name.slice(own.length + 1) : name));
    names = [...new Set(found)].filter((name) => !NO_NAME.test(name) && !name.includes('*'));
    namesByProvider.set(own, names);
  }
  return names;
}

function readModels(): ReadonlyMap<string, DocumentedModel> {
  const table = JSON.parse(
    readFileSync(new URL('known/price-table.json', import.meta.url), 'utf8'),
  ) as Record<string, Record<string, unknown>>;
  return new Map(
    Object.entries(table).map(([name, entry]) => [
      name,
      {
        provider: String(entry.litellm_provider),
        mode: String(entry.mode),
        abilities: Object.keys(entry).filter((key) => key.startsWith('supports_') && entry[key] === true),
      },
    ]),
  );
}
