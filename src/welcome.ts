import type { Config } from './config/config.js';

/** What a start prints: where it listens, and with the demo three calls to try. */
export function welcome(config: Config, url: string): string {
  const key = config.masterKeyIsNew ? config.masterKey : '$TOLLGATE_MASTER_KEY';
  const post = (path: string, body: object, bearer = key) =>
    `curl ${url}${path} -H 'Authorization: Bearer ${bearer}' -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`;
  const lines = [`Tollgate is listening on ${url}`, `API documentation: ${url}/docs`];
  if (config.ignoredKeys.length) {
    lines.push(
      `Warning: without effect in ${config.configFile ?? 'the configuration'}: ${config.ignoredKeys.join(', ')}`,
    );
  }
  if (config.masterKeyIsNew)
    lines.push(`Master key (shown this once, kept in the data folder): ${config.masterKey}`);
  if (config.configFile) return lines.join('\n');
  const model = config.models[0]!.modelName;
  const chat = { model, messages: [{ role: 'user', content: 'Hello!' }] };
  return [
    ...lines,
    '',
    'No configuration was found, so this is the demo: a model that answers without any provider. Try it.',
    '',
    'An allowed call:',
    post('/v1/chat/completions', chat),
    '',
    'A refused call (a key with a budget of $0):',
    `curl ${url}/v1/chat/completions -H "Authorization: Bearer $(${post('/key/generate', { max_budget: 0 }).replace('curl', 'curl -s')} | sed 's/.*"key":"\\([^"]*\\)".*/\\1/')" -H 'Content-Type: application/json' -d '${JSON.stringify(chat)}'`,
    '',
    'An explanation, before any call is made:',
    post('/access/v1/evaluation', {
      subject: { type: 'key', id: key },
      action: { name: 'call' },
      resource: { type: 'model', id: model },
    }),
  ].join('\n');
}
