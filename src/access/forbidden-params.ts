import { MalformedBodyError, type ScannedObject } from '../body/json-scanner.js';
import type { LlmRequestContext } from './llm-request.js';
import { foldedName, isRead, isUsual } from './member-names.js';

/** Members that would choose the upstream or its credentials. A scan refuses them at any depth. */
const SMUGGLED = [
  'api_base',
  'base_url',
  'api_key',
  'api_version',
  'extra_headers',
  'model_list',
  'user_config',
  'custom_llm_provider',
  'litellm_params',
  'litellm_params_template',
  'litellm_embedding_config',
  'litellm_credential_name',
  'aws_access_key_id',
  'aws_secret_access_key',
  'aws_session_token',
  'aws_bedrock_runtime_endpoint',
  'aws_sts_endpoint',
  'aws_web_identity_token',
  'vertex_credentials',
  'vertex_project',
  'azure_ad_token',
  'azure_endpoint',
  'langfuse_host',
  'langfuse_secret_key',
  'langsmith_base_url',
  's3_endpoint_url',
] as const;
/** Names that the scan refuses at any depth. */
export const FORBIDDEN_PARAM_NAMES: ReadonlySet<string> = new Set(SMUGGLED);

/** Names that are refused at the top level only. Deeper down they are ordinary data. */
const SMUGGLED_ON_TOP = new Set<string>([
  ...SMUGGLED,
  'headers',
  'organization',
  'mock_response',
  'extra_body',
]);
/** Members by which an aggregator (OpenRouter, Vercel) calls a model or provider that was not checked. */
const CHOOSES_MODEL = new Set([
  'models',
  'route',
  'preset',
  'provider',
  'model_fallbacks',
  'fallback_models',
  'fallback_model',
  'safety_model',
  'draft_model',
  'lora_path',
  'adapter_id',
]);
const SMUGGLING_HEADER = /^x-(?:.*custom-host|litellm-api-base|litellm-base-url|litellm-model)$/;

/** Form fields that the gateway reads. `model[0]` is refused, because an upstream might read it as `model`. */
const READ_PLAIN = new Set(['model', 'n', 'stream', 'user']);

/** Throws a `MalformedBodyError` that names a forbidden member of the body, or a forbidden header or query parameter. */
export function rejectForbiddenParams(
  { members, watched }: ScannedObject,
  { headers, query }: Pick<LlmRequestContext, 'headers' | 'query'>,
): void {
  const refuse = (name: string, where: string, why = '') => {
    throw new MalformedBodyError(`Rejected Request: ${name} is not allowed in request ${where}${why}.`, name);
  };
  for (const name of members.keys()) {
    if (isUsual(name)) continue;
    const folded = foldedName(name);
    if (SMUGGLED_ON_TOP.has(folded)) refuse(name, 'body');
    if (CHOOSES_MODEL.has(folded)) refuse(name, 'body', ANOTHER_MODEL);
    if (!folded.includes('[')) continue;
    // A form may write a nested member as `a[b]`.
    const words = folded.split(/[[\]]+/);
    if (isRead(words[0]!) || words.some((word) => SMUGGLED_ON_TOP.has(word) || READ_PLAIN.has(word)))
      refuse(name, 'body');
    if (CHOOSES_MODEL.has(words[0]!)) refuse(name, 'body', ANOTHER_MODEL);
  }
  for (const { name } of watched) if (FORBIDDEN_PARAM_NAMES.has(name)) refuse(name, 'body');
  for (const name of Object.keys(headers)) if (SMUGGLING_HEADER.test(name)) refuse(name, 'headers');
  if (query)
    for (const name of new URLSearchParams(query).keys())
      if (SMUGGLED_ON_TOP.has(foldedName(name))) refuse(name, 'query');
}

const ANOTHER_MODEL =
  ': the provider could call another model than the one that was checked. Name models to fall back on in `fallbacks`';
