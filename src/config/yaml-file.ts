import { LineCounter, parseDocument } from 'yaml';
import { isMapping, type Report } from './section.js';

export type Env = Readonly<Record<string, string | undefined>>;

const REFERENCE = /^os\.environ\/(.+)$/;
/** The most aliases of a file: more than any real file's `<<: *defaults`, fewer than could exhaust the memory. */
const MAX_ALIASES = 10_000;

/**
 * Reads LiteLLM's `config.yaml`: one YAML mapping. Replaces `os.environ/NAME` by that variable anywhere. The file's own
 * `environment_variables` count where the environment has none. Problems go into the report.
 */
export function parseConfigFile(text: string, env: Env, report: Report): Record<string, unknown> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, merge: true });
  const faults = [...document.errors, ...document.warnings];
  for (const { message } of faults) report.problems.push(`not valid YAML: ${message.split('\n')[0]!}`);
  if (faults.length) return {};
  const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {};
  if (!isMapping(value)) {
    report.problems.push('the file must be a mapping');
    return {};
  }
  const { environment_variables: own, ...rest } = value;
  const variables = ownVariables(own ?? {}, env, report);
  return resolved(rest, { ...variables, ...withoutEmpty(env) }, '', report) as Record<string, unknown>;
}

function ownVariables(own: unknown, env: Env, report: Report): Env {
  const path = 'environment_variables';
  if (!isMapping(own)) {
    report.problems.push(`${path}: must be a mapping`);
    return {};
  }
  const entries = Object.entries(resolved(own, env, path, report) as object).filter(
    ([, value]) => value != null,
  );
  for (const [name, value] of entries) {
    if (typeof value === 'object') report.problems.push(`${path}.${name}: must be text`);
  }
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

const withoutEmpty = (env: Env): Env => Object.fromEntries(Object.entries(env).filter(([, value]) => value));

function resolved(value: unknown, env: Env, path: string, report: Report): unknown {
  if (typeof value === 'string') {
    const [, name] = REFERENCE.exec(value) ?? [];
    if (name === undefined) return value;
    const said = Object.hasOwn(env, name) ? env[name] : undefined;
    if (!said) report.problems.push(`${path}: the environment variable ${name} is not set`);
    return said || undefined;
  }
  if (Array.isArray(value)) return value.map((entry, i) => resolved(entry, env, `${path}[${i}]`, report));
  if (!isMapping(value)) return value;
  const pathOf = (key: string) => (path ? `${path}.${key}` : key);
  if (Object.hasOwn(value, '__proto__')) report.problems.push(`${pathOf('__proto__')}: is not a name`);
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, resolved(entry, env, pathOf(key), report)]),
  );
}
