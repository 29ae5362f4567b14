import { closeSync, fstatSync, openSync } from 'node:fs';
import { readSettings, storedSecretProblems } from '../config/read-config.js';
import { escapeUnprintable } from '../policy/printable.js';
import {
  type ConfigReport,
  configReport,
  type DeploymentReport,
  type SettingReport,
} from './config-report.js';
import { usdPerMillion } from './usd-per-million.js';

/** Exit codes beside 0, 1 and 2 of the report, as in `sysexits.h`. */
const USAGE_CODE = 64;
const UNREADABLE_CODE = 66;

/**
 * Runs `tollgate check`: says what a start would do with a configuration file, and returns the exit code. Reads the file with
 * the reader of the start. Opens no connection, writes nothing and prints no secret. `path`: absent, the usual places.
 */
export function checkConfig(
  path: string | undefined,
  { isJson }: { readonly isJson: boolean },
  say: (line: string) => void,
): number {
  const fail = (exitCode: number, message: string) => {
    say(
      isJson
        ? JSON.stringify({ file: path ?? null, result: 'unreadable', exit_code: exitCode, message })
        : message,
    );
    return exitCode;
  };
  const unreadable = path === undefined ? undefined : faultOf(path);
  if (unreadable !== undefined) return fail(UNREADABLE_CODE, `${path}: ${unreadable}`);
  const read = readSettings(undefined, path);
  const { configFile } = read.settings;
  if (configFile === undefined)
    return fail(USAGE_CODE, 'There is no configuration file: name one, as in `tollgate check config.yaml`.');
  const fault = faultOf(configFile);
  if (fault !== undefined) return fail(UNREADABLE_CODE, `${configFile}: ${fault}`);
  const report = configReport(read, storedSecretProblems(read));
  if (isJson) say(JSON.stringify(report, null, 2));
  else for (const line of linesOf(report)) say(escapeUnprintable(line));
  return report.exit_code;
}

/** Returns why a file cannot be read, undefined if it can. */
function faultOf(path: string): string | undefined {
  try {
    const file = openSync(path, 'r');
    try {
      return fstatSync(file).isDirectory() ? 'is a directory' : undefined;
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return (error as Error).message;
  }
}

const VERDICT: Readonly<Record<ConfigReport['result'], string>> = {
  works: 'It starts, and all of it works.',
  works_with_remarks: 'It starts. Read the remarks above: what they name does not work as in LiteLLM.',
  does_not_start: 'It does not start.',
};

function linesOf({ file, deployments, settings, remarks, result }: ConfigReport): string[] {
  const stops = settings.filter((setting) => setting.result === 'stops_the_start');
  const others = settings.filter((setting) => setting.result !== 'stops_the_start');
  return [
    `${file}`,
    ...(stops.length ? ['', `Stops the start: ${stops.length}`, ...stops.flatMap(settingLines)] : []),
    '',
    `Deployments: ${counts(deployments)}`,
    ...deployments.flatMap(deploymentLines),
    '',
    `Settings: ${counts(others)}`,
    ...others.flatMap(settingLines),
    ...(remarks.length
      ? ['', `Remarks: ${remarks.length}`, ...remarks.flatMap((remark) => noted(remark, remark.at ?? ''))]
      : []),
    '',
    VERDICT[result],
  ];
}

const RESULT_WORDS: Readonly<Record<DeploymentReport['result'] | SettingReport['result'], string>> = {
  works: 'works',
  works_with_remarks: 'works with remarks',
  left_out: 'LEFT OUT',
  no_effect: 'no effect',
  stops_the_start: 'STOPS THE START',
};

/** Returns `2 work, 1 works with remarks`. */
function counts(rows: readonly { readonly result: keyof typeof RESULT_WORDS }[]): string {
  const count = (result: keyof typeof RESULT_WORDS) => rows.filter((row) => row.result === result).length;
  const parts = [
    [count('works'), 'work'],
    [count('works_with_remarks'), 'work with remarks'],
    [count('left_out'), 'left out'],
    [count('no_effect'), 'without effect'],
  ] as const;
  return (
    parts
      .filter(([number]) => number > 0)
      .map(([number, word]) => `${number} ${word}`)
      .join(', ') || 'none'
  );
}

function deploymentLines(deployment: DeploymentReport): string[] {
  const { at, model_name, result, provider, upstream_name, address, key_from, price, remarks } = deployment;
  const way = [
    provider === null ? 'the provider is that of each requested name' : `${provider} ${upstream_name}`,
    address === null ? undefined : `at ${address}`,
    key_from === null ? undefined : `key from ${key_from}`,
    price === null ? undefined : priceText(price),
  ].filter((part) => part !== undefined);
  const head = `  ${at} ${model_name ?? '(no name)'}: ${RESULT_WORDS[result]}`;
  return [
    result !== 'left_out' ? `${head}; ${way.join(', ')}` : head,
    ...remarks.flatMap((remark) => noted(remark, remark.at?.replace(`${at}.`, '') ?? '', '    - ')),
  ];
}

/** Returns `2.5 in, 10 out USD a million tokens (litellm)`. */
function priceText({ figures, sources }: NonNullable<DeploymentReport['price']>): string {
  const { input_cost_per_token: input, output_cost_per_token: output } = figures;
  const from = [...new Set(Object.values(sources).map(({ source }) => source))].join(', ');
  const amount = (usd: unknown) => usdPerMillion(Number(usd ?? 0));
  return typeof input !== 'number' && typeof output !== 'number'
    ? `priced by ${Object.keys(figures).join(', ')} (${from})`
    : `${amount(input)} in, ${amount(output)} out USD a million tokens (${from})`;
}

function settingLines(setting: SettingReport): string[] {
  const { at, message, result } = setting;
  const isPlain = result === 'works' || result === 'no_effect';
  return noted({ ...setting, message: isPlain ? RESULT_WORDS[result] : message }, at ?? '');
}

function noted(
  { message, instead }: { readonly message: string; readonly instead: string | null },
  at: string,
  indent = '  ',
): string[] {
  const text = `${indent}${at ? `${at}: ` : ''}${message}`;
  return instead === null ? [text] : [text, `${' '.repeat(indent.length)}  instead: ${instead}`];
}
