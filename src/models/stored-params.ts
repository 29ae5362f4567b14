import { seal, unseal } from '../platform/secrets.js';
import type { StoredDeployment } from './stored-deployment.entity.js';

/** Members of `litellm_params` that are no credentials. Numbers and booleans never are. */
const PUBLIC_PARAMS = new Set([
  'model', 'api_base', 'base_url', 'api_version', 'organization', 'mock_response', 'custom_llm_provider', 'region_name',
  'aws_region_name', 'vertex_location', 'vertex_project', 'tags', 'search_context_cost_per_query',
  'litellm_credential_name', 'reasoning_effort', 'thinking', 'verbosity', 'service_tier', 'modalities', 'response_format',
  'stop', 'tool_choice', 'encoding_format', 'cache_control_injection_points', 'allowed_openai_params',
  'additional_drop_params', 'guardrails', 'budget_duration',
]); // prettier-ignore

const isPublic = ([name, value]: [string, unknown]) =>
  PUBLIC_PARAMS.has(name) || typeof value === 'number' || typeof value === 'boolean';

/** Returns the members of `litellm_params` that may be shown. */
export const publicParams = (params: object) => Object.fromEntries(Object.entries(params).filter(isPublic));

/** Returns `litellm_params` for storage: public members in clear, all others sealed. */
export function storedParams(
  params: object,
  saltKey: string,
): Pick<StoredDeployment, 'litellmParams' | 'sealedParams'> {
  const secret = Object.entries(params).filter((entry) => !isPublic(entry));
  return {
    litellmParams: publicParams(params),
    sealedParams: secret.length ? seal(JSON.stringify(Object.fromEntries(secret)), saltKey) : null,
  };
}

/** Returns all `litellm_params` of a stored deployment. Throws if they were sealed with another salt key. */
export function decryptedParams(
  { litellmParams, sealedParams }: StoredDeployment,
  saltKey: string,
): Record<string, unknown> {
  const secret = sealedParams === null ? {} : (JSON.parse(unseal(sealedParams, saltKey)) as object);
  return { ...litellmParams, ...secret };
}
