import { parseModel } from '../config/providers.js';
import { knownModel } from './price-table.js';

/** Anthropic, “Vision”: an image is scaled down to at most so many; older models read about 1,600. */
const CLAUDE = 4_784;

/**
 * OpenAI, “Images and vision”: the most one image comes to, whatever its size and detail. Tiles: an image is scaled to
 * 768 × 2,048, which are 8 tiles beside a base. Patches: 1,536, or 10,000 of the newer models at `detail: original`, each
 * of at most 2.46 tokens.
 */
const OPENAI: readonly (readonly [RegExp, number])[] = [
  // 2,833 and 5,667 for each tile.
  [/^gpt-4o-mini/, 48_169],
  // At most 581 of tiles, and 6,240 for high fidelity; gpt-image-2 has patches.
  [/^gpt-image-(?:1|2)/, 7_000],
  [/^(?:chatgpt-)?(?:gpt-4|gpt-4o|4o|o1|o3|o4|computer-use)/, 4_000],
  [/^gpt-5(?:\.1)?(?:-|$)/, 4_000],
  // A model of a kind that came later may count each of 10,000 patches at the dearest rate there is.
  [/^(?:gpt-5\.|gpt-6)/, 24_600],
];

/** The most tokens one image is read as by a provider's model, where the provider documents it. */
export function imageTokens(provider: string, model: string): number | undefined {
  // `azure/gpt-4o` as a base, `openai/gpt-4o` at OpenRouter.
  const { name } = parseModel(model);
  const [vendor, ofVendor] = provider === 'openrouter' ? split(model) : [provider, name];
  if (vendor === 'anthropic') return ofVendor.startsWith('claude-') ? CLAUDE : undefined;
  if (vendor !== 'openai' && vendor !== 'azure') return undefined;
  // What only calls itself alike is read by nobody's documented rule.
  if (!knownModel('openai', ofVendor)) return undefined;
  return OPENAI.find(([names]) => names.test(ofVendor))?.[1];
}

const split = (model: string): readonly [vendor: string, name: string] => {
  const slash = model.indexOf('/');
  return [model.slice(0, Math.max(slash, 0)), model.slice(slash + 1)];
};
