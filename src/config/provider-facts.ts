import { CLOUD_VARIABLES } from './cloud-routes.js';

/** Facts that LiteLLM documents of a provider. */
export interface ProviderFacts {
  /** Address used if a deployment names no `api_base`. Null: the deployment must name one. */
  readonly base: string | null;
  /** Environment variables with the provider's key, in order of precedence. */
  readonly keys: readonly string[];
  /** Environment variables with its address, in order of precedence. */
  readonly bases: readonly string[];
  readonly version?: string;
  readonly organization?: string;
  /** Builds the address from the customer's account or region, if no address is written. */
  readonly account?: AccountAddress;
}

interface AccountAddress {
  /** The member of `litellm_params` and the environment variables that name it. */
  readonly member: string;
  readonly variables: readonly string[];
  readonly base: (account: string) => string;
}

const facts = (
  base: string | null,
  keys: readonly string[],
  bases: readonly string[] = [],
  more: Pick<ProviderFacts, 'version' | 'organization' | 'account'> = {},
): ProviderFacts => ({ base, keys, bases, ...more });

const OPENAI = facts(
  'https://api.openai.com/v1',
  ['OPENAI_API_KEY'],
  ['OPENAI_BASE_URL', 'OPENAI_API_BASE'],
  { organization: 'OPENAI_ORGANIZATION' },
);
const OLLAMA = facts('http://localhost:11434/v1', ['OLLAMA_API_KEY'], ['OLLAMA_API_BASE']);

/** Providers that are served. The API is OpenAI's unless `SPOKEN` of `providers.ts` says otherwise. */
export const SERVED: Readonly<Record<string, ProviderFacts>> = {
  openai: OPENAI,
  'text-completion-openai': OPENAI,
  text_completion_openai: OPENAI,
  // A server of any owner: OpenAI's key is not its own.
  custom_openai: facts(null, []),
  openai_like: facts(null, ['OPENAI_LIKE_API_KEY'], ['OPENAI_LIKE_API_BASE']),
  hosted_vllm: facts(null, ['HOSTED_VLLM_API_KEY'], ['HOSTED_VLLM_API_BASE']),
  vllm: facts(null, []),
  litellm_proxy: facts(null, ['LITELLM_PROXY_API_KEY'], ['LITELLM_PROXY_API_BASE']),
  lm_studio: facts('http://localhost:1234/v1', ['LM_STUDIO_API_KEY'], ['LM_STUDIO_API_BASE']),
  ollama: OLLAMA,
  ollama_chat: OLLAMA,
  openrouter: facts('https://openrouter.ai/api/v1', ['OPENROUTER_API_KEY', 'OR_API_KEY'], ['OPENROUTER_API_BASE']),
  groq: facts('https://api.groq.com/openai/v1', ['GROQ_API_KEY'], ['GROQ_API_BASE']),
  mistral: facts('https://api.mistral.ai/v1', ['MISTRAL_AZURE_API_KEY', 'MISTRAL_API_KEY'], ['MISTRAL_AZURE_API_BASE', 'MISTRAL_API_BASE']),
  deepseek: facts('https://api.deepseek.com/v1', ['DEEPSEEK_API_KEY'], ['DEEPSEEK_API_BASE']),
  together_ai: facts('https://api.together.xyz/v1', ['TOGETHER_API_KEY', 'TOGETHER_AI_API_KEY', 'TOGETHERAI_API_KEY', 'TOGETHER_AI_TOKEN'], ['TOGETHER_AI_API_BASE']),
  fireworks_ai: facts('https://api.fireworks.ai/inference/v1', ['FIREWORKS_API_KEY', 'FIREWORKS_AI_API_KEY', 'FIREWORKSAI_API_KEY', 'FIREWORKS_AI_TOKEN'], ['FIREWORKS_API_BASE']),
  xai: facts('https://api.x.ai/v1', ['XAI_API_KEY'], ['XAI_API_BASE']),
  perplexity: facts('https://api.perplexity.ai', ['PERPLEXITYAI_API_KEY', 'PERPLEXITY_API_KEY'], ['PERPLEXITY_API_BASE']),
  cerebras: facts('https://api.cerebras.ai/v1', ['CEREBRAS_API_KEY'], ['CEREBRAS_API_BASE']),
  nvidia_nim: facts('https://integrate.api.nvidia.com/v1', ['NVIDIA_NIM_API_KEY'], ['NVIDIA_NIM_API_BASE']),
  deepinfra: facts('https://api.deepinfra.com/v1/openai', ['DEEPINFRA_API_KEY'], ['DEEPINFRA_API_BASE']),
  sambanova: facts('https://api.sambanova.ai/v1', ['SAMBANOVA_API_KEY'], ['SAMBANOVA_API_BASE']),
  moonshot: facts('https://api.moonshot.ai/v1', ['MOONSHOT_API_KEY'], ['MOONSHOT_API_BASE']),
  dashscope: facts('https://dashscope.aliyuncs.com/compatible-mode/v1', ['DASHSCOPE_API_KEY'], ['DASHSCOPE_API_BASE']),
  jina_ai: facts('https://api.jina.ai/v1', ['JINA_AI_API_KEY', 'JINA_API_KEY', 'JINA_AI_TOKEN'], ['JINA_AI_API_BASE']),
  azure: facts(null, ['AZURE_OPENAI_API_KEY', 'AZURE_API_KEY'], ['AZURE_API_BASE'], { version: 'AZURE_API_VERSION' }),
  anthropic: facts('https://api.anthropic.com/v1', ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN'], ['ANTHROPIC_API_BASE', 'ANTHROPIC_BASE_URL']),
  azure_ai: facts(null, ['AZURE_AI_API_KEY', 'AZURE_API_KEY', 'AZURE_OPENAI_API_KEY'], ['AZURE_AI_API_BASE']),
  gemini: facts('https://generativelanguage.googleapis.com/v1beta/openai', ['GEMINI_API_KEY', 'GOOGLE_API_KEY'], ['GEMINI_API_BASE']),
  vertex_ai: facts(null, [], ['VERTEXAI_API_BASE']),
  vertex_ai_beta: facts(null, [], ['VERTEXAI_API_BASE']),
  bedrock: facts(null, ['AWS_BEARER_TOKEN_BEDROCK'], ['AWS_BEDROCK_RUNTIME_ENDPOINT']),
  cohere: facts('https://api.cohere.ai/v2', ['COHERE_API_KEY', 'CO_API_KEY'], ['COHERE_API_BASE']),
  cohere_chat: facts('https://api.cohere.ai/v2', ['COHERE_API_KEY', 'CO_API_KEY'], ['COHERE_API_BASE']),
  databricks: facts(null, ['DATABRICKS_API_KEY'], ['DATABRICKS_API_BASE']),
  huggingface: facts('https://router.huggingface.co/v1', ['HUGGINGFACE_API_KEY', 'HF_TOKEN'], ['HUGGINGFACE_API_BASE']),
  cloudflare: facts(null, ['CLOUDFLARE_API_KEY'], ['CLOUDFLARE_API_BASE'], { account: {
    member: 'account_id', variables: ['CLOUDFLARE_ACCOUNT_ID'],
    base: (account) => `https://api.cloudflare.com/client/v4/accounts/${account}/ai/v1`,
  } }),
  snowflake: facts(null, ['SNOWFLAKE_JWT'], ['SNOWFLAKE_API_BASE'], { account: {
    member: 'account_id', variables: ['SNOWFLAKE_ACCOUNT_ID'],
    base: (account) => `https://${account}.snowflakecomputing.com/api/v2/cortex/v1`,
  } }),
  bedrock_mantle: facts(null, ['AWS_BEARER_TOKEN_BEDROCK'], [], { account: {
    member: 'aws_region_name', variables: ['AWS_REGION_NAME', 'AWS_REGION', 'AWS_DEFAULT_REGION'],
    base: (region) => `https://bedrock-mantle.${region}.api.aws/v1`,
  } }),
  minimax: facts('https://api.minimax.io/v1', ['MINIMAX_API_KEY'], ['MINIMAX_API_BASE']),
  cometapi: facts('https://api.cometapi.com/v1', ['COMETAPI_KEY', 'COMETAPI_API_KEY'], ['COMETAPI_API_BASE']),
  amazon_nova: facts('https://api.nova.amazon.com/v1', ['AMAZON_NOVA_API_KEY'], ['AMAZON_NOVA_API_BASE']),
  maritalk: facts('https://chat.maritaca.ai/api', ['MARITALK_API_KEY'], ['MARITALK_API_BASE']),
  heroku: facts(null, ['HEROKU_API_KEY'], ['HEROKU_API_BASE']),
  voyage: facts('https://api.voyageai.com/v1', ['VOYAGE_API_KEY', 'VOYAGE_AI_API_KEY'], ['VOYAGE_API_BASE']),
  infinity: facts(null, ['INFINITY_API_KEY'], ['INFINITY_API_BASE']),
  oobabooga: facts(null, []),
  llamafile: facts(null, ['LLAMAFILE_API_KEY'], ['LLAMAFILE_API_BASE']),
  xinference: facts(null, [], ['XINFERENCE_API_BASE']),
  docker_model_runner: facts(null, ['DOCKER_MODEL_RUNNER_API_KEY'], ['DOCKER_MODEL_RUNNER_API_BASE']),
  lemonade: facts(null, ['LEMONADE_API_KEY'], ['LEMONADE_API_BASE']),
  github: facts('https://models.inference.ai.azure.com', ['GITHUB_API_KEY'], ['GITHUB_API_BASE']),
  volcengine: facts('https://ark.cn-beijing.volces.com/api/v3', ['VOLCENGINE_API_KEY'], ['VOLCENGINE_API_BASE']),
  zai: facts('https://api.z.ai/api/paas/v4', ['ZAI_API_KEY'], ['ZAI_API_BASE']),
  novita: facts('https://api.novita.ai/v3/openai', ['NOVITA_API_KEY'], ['NOVITA_API_BASE']),
  hyperbolic: facts('https://api.hyperbolic.xyz/v1', ['HYPERBOLIC_API_KEY'], ['HYPERBOLIC_API_BASE']),
  nebius: facts('https://api.studio.nebius.ai/v1', ['NEBIUS_API_KEY'], ['NEBIUS_API_BASE']),
  lambda_ai: facts('https://api.lambda.ai/v1', ['LAMBDA_API_KEY'], ['LAMBDA_API_BASE']),
  v0: facts('https://api.v0.dev/v1', ['V0_API_KEY'], ['V0_API_BASE']),
  vercel_ai_gateway: facts('https://ai-gateway.vercel.sh/v1', ['VERCEL_AI_GATEWAY_API_KEY', 'VERCEL_OIDC_TOKEN'], ['VERCEL_AI_GATEWAY_API_BASE']),
  meta_llama: facts('https://api.llama.com/compat/v1', ['LLAMA_API_KEY'], ['LLAMA_API_BASE']),
  ai21: facts('https://api.ai21.com/studio/v1', ['AI21_API_KEY'], ['AI21_API_BASE']),
  ai21_chat: facts('https://api.ai21.com/studio/v1', ['AI21_API_KEY'], ['AI21_API_BASE']),
  codestral: facts('https://codestral.mistral.ai/v1', ['CODESTRAL_API_KEY', 'MISTRAL_API_KEY', 'MISTRAL_AZURE_API_KEY'], ['CODESTRAL_API_BASE']),
  featherless_ai: facts('https://api.featherless.ai/v1', ['FEATHERLESS_AI_API_KEY', 'FEATHERLESS_API_KEY'], ['FEATHERLESS_AI_API_BASE']),
  baseten: facts('https://inference.baseten.co/v1', ['BASETEN_API_KEY'], ['BASETEN_API_BASE']),
  friendliai: facts('https://api.friendli.ai/serverless/v1', ['FRIENDLIAI_API_KEY', 'FRIENDLI_TOKEN'], ['FRIENDLI_API_BASE']),
  galadriel: facts('https://api.galadriel.com/v1', ['GALADRIEL_API_KEY'], ['GALADRIEL_API_BASE']),
  empower: facts('https://app.empower.dev/api/v1', ['EMPOWER_API_KEY'], ['EMPOWER_API_BASE']),
  nscale: facts('https://inference.api.nscale.com/v1', ['NSCALE_API_KEY'], ['NSCALE_API_BASE']),
  morph: facts('https://api.morphllm.com/v1', ['MORPH_API_KEY'], ['MORPH_API_BASE']),
  inception: facts('https://api.inceptionlabs.ai/v1', ['INCEPTION_API_KEY'], ['INCEPTION_API_BASE']),
  aiml: facts('https://api.aimlapi.com/v1', ['AIML_API_KEY'], ['AIML_API_BASE']),
  wandb: facts('https://api.inference.wandb.ai/v1', ['WANDB_API_KEY'], ['WANDB_API_BASE']),
  publicai: facts('https://api.publicai.co/v1', ['PUBLICAI_API_KEY'], ['PUBLICAI_API_BASE']),
  ovhcloud: facts('https://oai.endpoints.kepler.ai.cloud.ovh.net/v1', ['OVHCLOUD_API_KEY'], ['OVHCLOUD_API_BASE']),
  compactifai: facts('https://api.compactif.ai/v1', ['COMPACTIFAI_API_KEY']),
  tencent: facts('https://tokenhub-intl.tencentcloudmaas.com/v1', ['TENCENT_API_KEY'], ['TENCENT_API_BASE']),
  modelscope: facts('https://api-inference.modelscope.cn/v1', ['MODELSCOPE_API_KEY'], ['MODELSCOPE_API_BASE']),
  qwencloud: facts('https://dashscope-intl.aliyuncs.com/compatible-mode/v1', ['DASHSCOPE_API_KEY', 'QWENCLOUD_API_KEY'], ['QWENCLOUD_API_BASE']),
  qwen_ai_platform: facts('https://dashscope.aliyuncs.com/compatible-mode/v1', ['DASHSCOPE_API_KEY', 'QWEN_AI_PLATFORM_API_KEY'], ['QWEN_AI_PLATFORM_API_BASE']),
  edenai: facts('https://api.edenai.run/v3', ['EDENAI_API_KEY'], ['EDENAI_API_BASE']),
  clarifai: facts('https://api.clarifai.com/v2/ext/openai/v1', ['CLARIFAI_API_KEY']),
  nadir: facts('https://api.getnadir.com/v1', ['NADIR_API_KEY'], ['NADIR_API_BASE']),
  chutes: facts('https://llm.chutes.ai/v1', ['CHUTES_API_KEY']),
  helicone: facts('https://ai-gateway.helicone.ai', ['HELICONE_API_KEY']),
  veniceai: facts('https://api.venice.ai/api/v1', ['VENICE_AI_API_KEY']),
  xiaomi_mimo: facts('https://api.xiaomimimo.com/v1', ['XIAOMI_MIMO_API_KEY']),
  scaleway: facts('https://api.scaleway.ai/v1', ['SCW_SECRET_KEY']),
  synthetic: facts('https://api.synthetic.new/openai/v1', ['SYNTHETIC_API_KEY']),
  apertis: facts('https://api.stima.tech/v1', ['STIMA_API_KEY']),
  'nano-gpt': facts('https://nano-gpt.com/api/v1', ['NANOGPT_API_KEY']),
  poe: facts('https://api.poe.com/v1', ['POE_API_KEY']),
  abliteration: facts('https://api.abliteration.ai/v1', ['ABLITERATION_API_KEY']),
  llamagate: facts('https://api.llamagate.dev/v1', ['LLAMAGATE_API_KEY']),
  gmi: facts('https://api.gmi-serving.com/v1', ['GMI_API_KEY']),
  sarvam: facts('https://api.sarvam.ai/v1', ['SARVAM_API_KEY']),
  assemblyai: facts('https://llm-gateway.assemblyai.com/v1', ['ASSEMBLYAI_API_KEY']),
  charity_engine: facts('https://api.charityengine.services/remotejobs/v2/inference', ['CHARITY_ENGINE_API_KEY']),
  aihubmix: facts('https://aihubmix.com/v1', ['AIHUBMIX_API_KEY'], ['AIHUBMIX_API_BASE']),
  crusoe: facts('https://api.inference.crusoecloud.com/v1', ['CRUSOE_API_KEY'], ['CRUSOE_API_BASE']),
  darkbloom: facts('https://api.darkbloom.dev/v1', ['DARKBLOOM_API_KEY'], ['DARKBLOOM_API_BASE']),
  neosantara: facts('https://api.neosantara.xyz/v1', ['NEOSANTARA_API_KEY'], ['NEOSANTARA_API_BASE']),
  tensormesh: facts('https://serverless.tensormesh.ai/v1', ['TENSORMESH_INFERENCE_API_KEY'], ['TENSORMESH_SERVERLESS_BASE_URL']),
  parasail: facts('https://api.parasail.io/v1', ['PARASAIL_API_KEY'], ['PARASAIL_API_BASE']),
  libertai: facts('https://api.libertai.io/v1', ['LIBERTAI_API_KEY'], ['LIBERTAI_API_BASE']),
  empiriolabs: facts('https://api.empiriolabs.ai/v1', ['EMPIRIOLABS_API_KEY'], ['EMPIRIOLABS_API_BASE']),
  meta: facts('https://api.meta.ai/v1', ['META_API_KEY'], ['META_API_BASE']),
  cognition: facts('https://api.cognition.ai/v1', ['COGNITION_API_KEY'], ['COGNITION_API_BASE']),
  coralbricks: facts('https://inference.coralbricks.ai/v1', ['CORALBRICKS_API_KEY'], ['CORALBRICKS_API_BASE']),
  cortecs: facts('https://api.cortecs.ai/v1', ['CORTECS_API_KEY'], ['CORTECS_API_BASE']),
  pinstripes: facts('https://pinstripes.io/v1', ['PINSTRIPES_API_KEY'], ['PINSTRIPES_API_BASE']),
  'scx-ai': facts('https://api.scx.ai/v1', ['SCX_API_KEY'], ['SCX_API_BASE']),
  prism: facts('https://api.prisminference.com/v1', ['PRISM_API_KEY'], ['PRISM_API_BASE']),
  sail: facts('https://api.sailresearch.com/v1', ['SAIL_API_KEY'], ['SAIL_API_BASE']),
  reka: facts('https://api.reka.ai/v1', ['REKA_API_KEY'], ['REKA_API_BASE']),
  inferenceapis: facts('https://api.inferenceapis.com/v1', ['INFERENCEAPIS_API_KEY'], ['INFERENCEAPIS_API_BASE']),
}; // prettier-ignore

/** Other providers that LiteLLM knows. Their APIs are not served. */
export const NOT_SERVED: ReadonlySet<string> = new Set([
  'a2a', 'a2a_agent', 'aiohttp_openai', 'aleph_alpha', 'anthropic_text', 'anyscale', 'auto_router',
  'aws_polly', 'aws_textract', 'azure_speech', 'azure_text', 'bespoke',
  'black_forest_labs', 'bytez', 'chatgpt', 'cursor', 'custom',
  'databricks_agent', 'datarobot', 'deepgram', 'dotprompt', 'elevenlabs', 'fal_ai', 'gdc',
  'gigachat', 'github_copilot', 'gradient_ai', 'humanloop', 'langflow',
  'langfuse', 'langgraph', 'laya', 'litellm_agent', 'manus', 'microsoft_365_copilot', 'milvus',
  'mongodb', 'nlp_cloud', 'nvidia_riva', 'oci', 'petals', 'pg_vector', 'predibase',
  'ragflow', 'recraft', 'reducto', 'replicate', 'runwayml', 's3_vectors', 'sagemaker', 'sagemaker_chat',
  'sagemaker_nova', 'sap', 'scaledown', 'soniox', 'stability', 'strands_decider',
  'text-completion-codestral', 'text-completion-inception', 'topaz', 'transcribe', 'triton', 'typesafe', 'valkey',
  'watsonx', 'watsonx_text',
]); // prettier-ignore

/** Hosts of providers beside those of their base addresses, with the variables that hold their keys. */
const MORE_HOSTS: readonly (readonly [domain: string, keys: readonly string[]])[] = [
  ['openai.com', OPENAI.keys],
  ['openai.azure.com', SERVED.azure!.keys],
  ['services.ai.azure.com', [...SERVED.azure!.keys, ...SERVED.azure_ai!.keys]],
  ['models.ai.azure.com', SERVED.azure_ai!.keys],
  ['cognitiveservices.azure.com', SERVED.azure!.keys],
  ['anthropic.com', SERVED.anthropic!.keys],
  ['mistral.ai', SERVED.mistral!.keys],
  ['together.ai', SERVED.together_ai!.keys],
  ['cohere.ai', SERVED.cohere!.keys],
  ['cohere.com', SERVED.cohere!.keys],
  ['ollama.com', OLLAMA.keys],
  ['aliyuncs.com', SERVED.dashscope!.keys],
  ['huggingface.co', SERVED.huggingface!.keys],
  ['endpoints.huggingface.cloud', SERVED.huggingface!.keys],
  ['cloudflare.com', SERVED.cloudflare!.keys],
  ['snowflakecomputing.com', SERVED.snowflake!.keys],
  ['azuredatabricks.net', SERVED.databricks!.keys],
  ['databricks.com', SERVED.databricks!.keys],
  ['minimaxi.com', SERVED.minimax!.keys],
  ['inference.heroku.com', SERVED.heroku!.keys],
  ['github.ai', SERVED.github!.keys],
  ['baseten.co', SERVED.baseten!.keys],
  ['bigmodel.cn', SERVED.zai!.keys],
  ['api.aws', SERVED.bedrock_mantle!.keys],
  ['moonshot.cn', SERVED.moonshot!.keys],
  ...[
    'amazonaws.com', 'googleapis.com', 'replicate.com', 'githubcopilot.com',
  ].map((domain) => [domain, []] as const),
]; // prettier-ignore

const keysByDomain = new Map<string, ReadonlySet<string>>();
const claim = (domain: string, keys: readonly string[]) =>
  keysByDomain.set(domain, new Set([...(keysByDomain.get(domain) ?? []), ...keys]));
for (const { base, keys } of Object.values(SERVED)) {
  const host = base === null ? '' : new URL(base).hostname;
  if (host && host !== 'localhost' && host !== '127.0.0.1') claim(host, keys);
}
for (const [domain, keys] of MORE_HOSTS) claim(domain, keys);

/**
 * Returns the variables whose keys the owner of this address issues. Undefined if it is no known provider's: an own
 * server, or a company's proxy.
 */
export function keysOfHost(address: string): ReadonlySet<string> | undefined {
  // A dot at the end is the same name.
  const labels = new URL(address).hostname.replace(/\.$/, '').split('.');
  for (let i = 0; i < labels.length - 1; i++) {
    const keys = keysByDomain.get(labels.slice(i).join('.'));
    if (keys) return keys;
  }
  return undefined;
}

export const isKnownProvider = (prefix: string): boolean =>
  Object.hasOwn(SERVED, prefix) || NOT_SERVED.has(prefix);

/** Every variable that holds a provider's key, address, version or organization. */
export const PROVIDER_VARIABLES: ReadonlySet<string> = new Set<string>([
  ...CLOUD_VARIABLES,
  ...Object.values(SERVED).flatMap(({ keys, bases, version, organization, account }) =>
    [...keys, ...bases, ...(account?.variables ?? []), version, organization].filter(
      (name) => name !== undefined,
    ),
  ),
]);
