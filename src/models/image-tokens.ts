import { parseModel } from '../config/providers.js';
import { knownModel } from '../prices/known-model.js';

/** Maximum tokens of an image by Anthropic's page “Vision”. Older models read about 1,600. */
const CLAUDE = 4_784;

/**
 * Maximum tokens of an image by OpenAI's page “Images and vision”, for any size and detail. Models with tiles scale an image to
 * 768 × 2,048, which is a base and 8 tiles. Models with patches have 1,536 of them, newer ones 10,000 at `detail: original`,
 * with at most 2.46 tokens each.
 */
const OPENAI: readonly (readonly [RegExp, number])[] = [
  // The base is 2,833 tokens, each tile 5,667.
  [/^gpt-4o-mini/, 48_169],
  // Tiles are at most 581 tokens, high fidelity adds 6,240. gpt-image-2 has patches.
  [/^gpt-image-(?:1|2)/, 7_000],
  [/^(?:chatgpt-)?(?:gpt-4|gpt-4o|4o|o1|o3|o4|computer-use)/, 4_000],
  [/^gpt-5(?:\.1)?(?:-|$)/, 4_000],
  // A newer model may count each of 10,000 patches at the highest rate.
  [/^(?:gpt-5\.|gpt-6)/, 24_600],
];

/** Returns the maximum tokens of an image for a model. Undefined if the provider documents none. */
export function imageTokens(provider: string, model: string): number | undefined {
  // The name may be `azure/gpt-4o` as a base model, or `openai/gpt-4o` at OpenRouter.
  const { name } = parseModel(model);
  const [vendor, ofVendor] = provider === 'openrouter' ? split(model) : [provider, name];
  if (vendor === 'anthropic') return ofVendor.startsWith('claude-') ? CLAUDE : undefined;
  if (vendor !== 'openai' && vendor !== 'azure') return undefined;
  // The rule does not apply to an unknown model with a similar name.
  if (!knownModel('openai', ofVendor)) return undefined;
  return OPENAI.find(([names]) => names.test(ofVendor))?.[1];
}

const split = (model: string): readonly [vendor: string, name: string] => {
  const slash = model.indexOf('/');
  return [model.slice(0, Math.max(slash, 0)), model.slice(slash + 1)];
};
