import type {
  LanguageModelV3FilePart,
  LanguageModelV3Message,
  SharedV3ProviderOptions,
} from '@ai-sdk/provider';
import { MalformedBodyError } from '../body/json-scanner.js';
import { isMembers, wrong } from './body-values.js';
import type { BodyReading } from './translated-call.js';

/** Returns the options of a part with a cache mark, in the words of every provider that has such marks. */
export function cacheMark(value: unknown, param: string): SharedV3ProviderOptions | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isMembers(value) || value.type !== 'ephemeral')
    throw wrong(param, "an object with the type 'ephemeral'");
  const { ttl } = value;
  if (ttl !== undefined && ttl !== '5m' && ttl !== '1h') throw wrong(`${param}.ttl`, "'5m' or '1h'");
  return ttl === undefined ? MARK : ttl === '1h' ? MARK_1H : MARK_5M;
}

const mark = (ttl?: '5m' | '1h'): SharedV3ProviderOptions => ({
  anthropic: { cacheControl: { type: 'ephemeral', ...(ttl && { ttl }) } },
  bedrock: { cachePoint: { type: 'default', ...(ttl && { ttl }) } },
});
const MARK = mark();
const MARK_5M = mark('5m');
const MARK_1H = mark('1h');

/** Returns the options of a reasoning part with the signature that its provider wants back. */
export const signatureOf = (signature: string): SharedV3ProviderOptions => ({
  anthropic: { signature },
  bedrock: { signature },
  google: { thoughtSignature: signature },
});

/** Returns the options of a reasoning part whose text only its provider can read. */
export const redactedOf = (data: string): SharedV3ProviderOptions => ({
  anthropic: { redactedData: data },
  bedrock: { redactedData: data },
});

/** Options or metadata of a part, by provider. */
type ByProvider = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;

/** Returns the signature of a reasoning part, whichever provider made it. */
export function signatureIn(metadata: ByProvider | undefined): string | undefined {
  for (const options of Object.values(metadata ?? {})) {
    const signature = options?.signature ?? options?.thoughtSignature;
    if (typeof signature === 'string') return signature;
  }
  return undefined;
}

/** Returns the data of a redacted reasoning part. */
export function redactedIn(metadata: ByProvider | undefined): string | undefined {
  for (const options of Object.values(metadata ?? {}))
    if (typeof options?.redactedData === 'string') return options.redactedData;
  return undefined;
}

const DATA_URL = /^data:([^;,]*)(?:;[^;,]+)*?;base64,/;

/** Returns a file part of an address: a data URL, or an address that the provider reads by itself. */
export function fileAt(
  address: string,
  { api }: BodyReading,
  param: string,
  mediaType: string,
  filename?: string,
): LanguageModelV3FilePart {
  const data = DATA_URL.exec(address);
  if (data) return fileOf(address.slice(data[0].length), data[1] || mediaType, api, param, filename);
  if (!/^https?:\/\//i.test(address)) throw wrong(param, 'an address of https, or a data URL with base64');
  if (!URL.canParse(address)) throw wrong(param, 'an address');
  if (!api.takesFile(mediaType, true)) throw notTaken(mediaType, api.name, param, ' by its address');
  return { type: 'file', mediaType, data: new URL(address), ...(filename !== undefined && { filename }) };
}

/** Returns a file part of base64. */
export function fileOf(
  data: string,
  mediaType: string,
  api: BodyReading['api'],
  param: string,
  filename?: string,
): LanguageModelV3FilePart {
  if (!api.takesFile(mediaType, false)) throw notTaken(mediaType, api.name, param, '');
  return { type: 'file', mediaType, data, ...(filename !== undefined && { filename }) };
}

const notTaken = (mediaType: string, api: string, param: string, how: string) =>
  new MalformedBodyError(
    `The model's provider takes no file of the type ${mediaType}${how} (its API is ${api}'s).`,
    param,
  );

/** Moves system messages behind the first turn into the user's turn: an API without them there would refuse the call. */
export function withLaterSystemAsUser(prompt: readonly LanguageModelV3Message[]): LanguageModelV3Message[] {
  const first = prompt.findIndex(({ role }) => role !== 'system');
  if (first < 0 || !prompt.some(({ role }, i) => i > first && role === 'system')) return [...prompt];
  return prompt.map((message, i) =>
    i > first && message.role === 'system'
      ? {
          role: 'user',
          content: [
            {
              type: 'text',
              text: message.content,
              ...(message.providerOptions && { providerOptions: message.providerOptions }),
            },
          ],
        }
      : message,
  );
}
