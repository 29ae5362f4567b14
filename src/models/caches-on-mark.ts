import type { Deployment } from './deployment.js';

const CLOUDS_OF_CLAUDE: ReadonlySet<string> = new Set(['bedrock', 'vertex_ai', 'azure_ai']);

/**
 * Returns whether a provider writes to its cache only what the body marks (`cache_control`, `cachePoint`). Others write
 * any long prompt.
 */
export const cachesOnMark = ({ provider, upstreamName }: Pick<Deployment, 'provider' | 'upstreamName'>) =>
  provider === 'anthropic' || (CLOUDS_OF_CLAUDE.has(provider) && /claude/i.test(upstreamName));
