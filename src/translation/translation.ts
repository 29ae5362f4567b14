import { MalformedBodyError } from '../body/json-scanner.js';
import { isGatewayMember } from '../config/gateway-members.js';
import { type TargetApi, targetApi } from '../config/providers.js';
import type { Deployment } from '../models/deployment.js';
import { chat } from './client-apis/chat.js';
import { anthropic } from './provider-apis/anthropic.js';
import type {
  BodyReading,
  ClientApi,
  ModelFactory,
  ProviderApi,
  TargetModel,
  TranslatedCall,
} from './translated-call.js';

/** The way of calls from one client's API to one provider's. */
export interface Translation {
  readonly clientApi: ClientApi;
  readonly api: ProviderApi;
  /** The two names, as the header of the answer says them. */
  readonly name: string;
}

/** Clients' APIs by the path of their calls. */
const CLIENT_APIS: Readonly<Record<string, ClientApi>> = { '/chat/completions': chat };
const APIS: Readonly<Record<TargetApi, ProviderApi>> = { anthropic };

const translations = new Map<string, Translation>();

/** Returns how a deployment gets calls of this path, if its provider does not speak their API. Undefined if bytes pass, or nothing is served. */
export function translationOf(
  deployment: Pick<Deployment, 'provider' | 'wire'>,
  path: string,
): Translation | undefined {
  const target = targetApi(deployment, path);
  if (target === undefined) return undefined;
  const key = `${path} ${target}`;
  let translation = translations.get(key);
  if (!translation) {
    const [clientApi, api] = [CLIENT_APIS[path]!, APIS[target]];
    translation = { clientApi, api, name: `${clientApi.name}->${api.name}` };
    translations.set(key, translation);
  }
  return translation;
}

const factories = new Map<ProviderApi, ModelFactory>();

/** Returns the provider's package, or its promise until it is loaded. */
export function modelFactory(api: ProviderApi): ModelFactory | Promise<ModelFactory> {
  const loaded = factories.get(api);
  if (loaded) return loaded;
  return api.load().then((factory) => {
    factories.set(api, factory);
    return factory;
  });
}

/** Output limit of a model whose own limit is not known, if neither the caller nor a budget limits it. */
const DEFAULT_OUTPUT_TOKENS = 4_096;

/** Settings of a call that its body does not have. */
export interface TranslationSettings {
  /** True to leave out what the provider does not have. */
  readonly drops: boolean;
  /** Output limit of the caller or of a budget. Absent: the model's own. */
  readonly maxOutputTokens: number | undefined;
  /** Members that the operator set, although they look like members for the gateway. */
  readonly operatorNames: ReadonlySet<string> | undefined;
}

export interface ReadCall {
  readonly call: TranslatedCall;
  readonly target: TargetModel;
}

/** Reads a body for a deployment. Throws `MalformedBodyError` if it has no translation. */
export function readCall(
  { clientApi, api }: Translation,
  body: Readonly<Record<string, unknown>>,
  { upstreamName: name, provider, maxOutputTokens: most = DEFAULT_OUTPUT_TOKENS }: Deployment,
  { drops, maxOutputTokens, operatorNames }: TranslationSettings,
): ReadCall {
  const reading: BodyReading = {
    api,
    drops,
    isOfGateway: (member) => isGatewayMember(member) && !operatorNames?.has(member),
    takes(feature, param) {
      if (!api.lacks.has(feature)) return true;
      if (drops) return false;
      throw new MalformedBodyError(
        `The model's provider has no '${param}' (its API is ${api.name}'s). Leave it out, or let drop_params leave it out.`,
        param,
      );
    },
  };
  const target: TargetModel = { name, provider, maxOutputTokens: most };
  const call = clientApi.read(body, reading);
  call.options.maxOutputTokens = maxOutputTokens ?? most;
  api.prepare(call, target, drops);
  return { call, target };
}
