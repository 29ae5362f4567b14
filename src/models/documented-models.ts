import { type KnownModel, knownModel } from '../prices/known-model.js';
import { TABLE_PROVIDER } from '../prices/row-names.js';
import { shippedTable } from '../prices/shipped-table.js';
import type { TableRow } from '../prices/table-row.js';

/** The kind and the abilities of a model in the table. */
export interface DocumentedModel {
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

const namesByProvider = new Map<string, readonly string[]>();

/** Returns what the table says about a provider's model. Undefined if it is not there. */
export const documentedModel = (provider: string, name: string): DocumentedModel | undefined =>
  documentedTraits(knownModel(provider, name));

/** Returns the kind and the abilities that the sources tell of a model. Undefined if they tell none. */
export function documentedTraits(model: KnownModel | undefined): DocumentedModel | undefined {
  const { members } = model ?? {};
  return members?.mode === undefined
    ? undefined
    : { mode: String(members.mode), abilities: abilitiesIn(members) };
}

const abilitiesIn = (members: TableRow) =>
  Object.keys(members).filter((key) => key.startsWith('supports_') && members[key] === true);

/** Returns the names of a provider's models that the gateway could serve, without the provider's prefix. */
export function documentedNames(provider: string): readonly string[] {
  const own = TABLE_PROVIDER[provider] ?? provider;
  let names = namesByProvider.get(own);
  if (!names) {
    const found: string[] = [];
    for (const [name, { litellm_provider: owner, mode }] of shippedTable.rows())
      if (owner === own && SERVED_MODES.has(String(mode)))
        found.push(name.startsWith(`${own}/`) ? name.slice(own.length + 1) : name);
    names = [...new Set(found)].filter((name) => !NO_NAME.test(name) && !name.includes('*'));
    namesByProvider.set(own, names);
  }
  return names;
}
