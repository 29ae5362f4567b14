import type { Config } from '../config/config.js';
import { priceDifferences } from '../prices/price-differences.js';
import type { CatalogueSnapshot } from './catalogue.js';

/** Returns the targets of configured aliases and fallbacks that no deployment serves. */
export function danglingNames(
  snapshot: CatalogueSnapshot,
  { litellm, router }: Pick<Config, 'litellm' | 'router'>,
): string[] {
  const aliases = { ...router.modelAliases, ...litellm.modelAliases };
  const fallbacks = [...Object.values(router.fallbacks), ...Object.values(litellm.fallbacks)].flat();
  const targets = [...fallbacks, ...litellm.defaultFallbacks].map((name) => aliases[name] ?? name);
  return [...new Set([...Object.values(aliases), ...targets])].filter(
    (name) => !snapshot.resolve(name).length,
  );
}

/** Returns the names of models at the price of a table, about which two sources of prices differ. */
export function differingNames(snapshot: CatalogueSnapshot): string[] {
  const differing = snapshot.deployments.filter(
    ({ provider, upstreamName, ownPrices }) =>
      !ownPrices && !upstreamName.includes('*') && priceDifferences(provider, upstreamName).length,
  );
  return [...new Set(differing.map(({ modelName }) => modelName))];
}
