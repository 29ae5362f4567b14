import { readCall, type TranslationSettings, translationOf } from '../../src/translation/translation.js';
import type { Deployment } from '../../src/models/deployment.js';

const NO_SETTINGS: TranslationSettings = {
  drops: false,
  maxOutputTokens: undefined,
  operatorNames: undefined,
};

/** Returns the body that a package sends for a client's body, and its beta header. Throws the refusal. */
export async function sentFor(
  path: string,
  body: object,
  deployment: Partial<Deployment>,
  settings: Partial<TranslationSettings> = {},
): Promise<{ readonly body: Record<string, unknown>; readonly betas?: string }> {
  const at = deployment as Deployment;
  const translation = translationOf(at, path)!;
  const { call, target } = readCall(translation, body as Record<string, unknown>, at, {
    ...NO_SETTINGS,
    ...settings,
  });
  let sent: RequestInit | undefined;
  const factory = await translation.api.load();
  const model = factory(target, call, (_, init) => {
    sent = init;
    return Promise.reject(new Error('caught'));
  });
  await Promise.resolve(call.stream ? model.doStream(call.options) : model.doGenerate(call.options)).catch(
    () => undefined,
  );
  if (!sent) throw new Error('The package sent nothing.');
  const { 'anthropic-beta': betas } = sent.headers as Record<string, string>;
  return { body: JSON.parse(sent.body as string), ...(betas !== undefined && { betas }) };
}
