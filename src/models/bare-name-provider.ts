import { readFileSync } from 'node:fs';

let providers: ReadonlyMap<string, string> | undefined;

/** Names that are a provider's beside the lists: those of families that get new models. */
const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/^(?:gpt-image|ft:gpt-(?:3\.5-turbo|4))/, 'openai'],
  [/^claude-[a-z]+-\d+(?:[-.]\d+)?(?:-\d{8})?$/, 'anthropic'],
  [/^(?:[a-z-]+\.)?anthropic\.claude-/, 'bedrock'],
];

/**
 * Returns the provider of a name without a prefix: `gpt-4o` is OpenAI's. Undefined if it is in no list. The lists
 * belong to a release: a refresh of prices changes nobody's models. The name must be exact, also in its letter case.
 */
export function providerOfBareName(name: string): string | undefined {
  if (name.includes('/')) return undefined;
  providers ??= readProviders();
  return providers.get(name) ?? FAMILIES.find(([names]) => names.test(name))?.[1];
}

function readProviders(): ReadonlyMap<string, string> {
  const lists = JSON.parse(readFileSync(new URL('known/bare-names.json', import.meta.url), 'utf8')) as Record<
    string,
    readonly string[]
  >;
  return new Map(
    Object.entries(lists).flatMap(([provider, names]) => names.map((name) => [name, provider] as const)),
  );
}
