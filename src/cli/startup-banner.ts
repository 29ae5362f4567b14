import { join } from 'node:path';
import type { Config, LeftOutModel } from '../config/config.js';
import { print } from '../logs/logs.js';
import { escapeUnprintable } from '../policy/printable.js';

/** Prints the address and the warnings. On a terminal it also prints a new master key and, with the demo, three calls to try. */
export function printStartupBanner(config: Config, url: string, more: readonly string[] = []): void {
  const { configFile, ignoredKeys, jsonLogs, masterKey, masterKeyOrigin } = config;
  const warnings = [...more, ...config.warnings, ...leftOutLines(config.leftOutModels)];
  const isNew = masterKeyOrigin === 'new';
  const listening = [`Tollgate is listening on ${url}`, `API documentation: ${url}/docs`];
  const ignored = `without effect in ${configFile ?? 'the configuration'}: ${ignoredKeys.join(', ')}`;
  if (jsonLogs) {
    for (const line of listening) print(line);
    for (const warning of warnings) print(warning, 'warn');
    if (ignoredKeys.length) print(ignored, 'warn');
    // Logs are stored and passed on, so they must not contain the key.
    if (isNew) print('A master key was made; it is in the data folder.');
    return;
  }
  const lines = [
    ...listening,
    ...warnings.map((warning) => `Warning: ${warning}`),
    ...(ignoredKeys.length ? [`Warning: ${ignored}`] : []),
    ...(isNew ? [`Master key (shown this once, kept in the data folder): ${masterKey}`] : []),
  ];
  print([...lines, ...(configFile ? [] : tour(config, url))].join('\n'));
}

/** The most deployments that one line names. */
const MAX_NAMES = 20;

/** Returns one line for each reason for which deployments are left out. */
function leftOutLines(models: readonly LeftOutModel[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { at, modelName, problems } of models) {
    const reason = problems.map((problem) => problem.replace(`${at}.`, '').replace(`${at}: `, '')).join('; ');
    const name = modelName === undefined ? at : `${modelName} (${at})`;
    byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  }
  return [...byReason].map(([reason, names]) => {
    const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
    return escapeUnprintable(`left out: ${names.slice(0, MAX_NAMES).join(', ')}${more}: ${reason}`);
  });
}

/** Marks in a JSON text where the shell fills in a variable. No other text of a line can equal it. */
const SUBJECT = '@subject@';

/** Returns three calls of the demo, ready to paste into a shell. */
function tour({ masterKey, masterKeyOrigin, dataFolder, models }: Config, url: string): string[] {
  const master = {
    new: masterKey,
    file: `$(cat '${join(dataFolder, 'master-key')}')`,
    environment: '$TOLLGATE_MASTER_KEY',
  }[masterKeyOrigin];
  const post = (path: string, bearer: string, body: object) =>
    `curl -s ${url}${path} -H "Authorization: Bearer ${bearer}" -d '${JSON.stringify(body)}'`;
  const model = models[0]!.modelName;
  const chat = { model, messages: [{ role: 'user', content: 'Hello!' }] };
  const pennilessKey = `$(${post('/key/generate', master, { max_budget: 0 })} | sed 's/.*"key":"\\([^"]*\\)".*/\\1/')`;
  return [
    '',
    'No configuration was found, so this is the demo: a model that answers without any provider. Try it.',
    '',
    'An allowed call:',
    post('/v1/chat/completions', master, chat),
    '',
    'A refused call (a key with a budget of $0):',
    post('/v1/chat/completions', pennilessKey, chat),
    '',
    'An explanation, before any call is made:',
    post('/access/v1/evaluation', master, {
      // The quotes end the shell's single-quoted text and begin it again.
      subject: { type: 'key', id: masterKeyOrigin === 'new' ? master : SUBJECT },
      action: { name: 'call' },
      resource: { type: 'model', id: model },
    }).replace(SUBJECT, `'"${master}"'`),
  ];
}
