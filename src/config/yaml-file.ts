import { isMap, isScalar, LineCounter, parseDocument, visit, type Document, type Node } from 'yaml';
import { isMapping, UnsetVariable, type Report } from './section.js';

export type Env = Readonly<Record<string, string | undefined>>;

const REFERENCE = /^os\.environ\/(.+)$/;
/** The most aliases of a file: more than any real file's `<<: *defaults`, fewer than could exhaust the memory. */
const MAX_ALIASES = 10_000;
/** The most duplicate keys that are named. */
const MAX_DUPLICATES = 20;

/**
 * Reads one YAML mapping. The last of duplicate keys counts, as in LiteLLM, and a warning names it. Problems and warnings
 * go into the report. `name`: the file's name in them, if there are several files.
 */
export function parseYaml(text: string, report: Report, name?: string): Record<string, unknown> {
  const of = name === undefined ? '' : `${name}: `;
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, merge: true });
  const faults = [...document.errors, ...document.warnings];
  for (const { message } of faults)
    report.problems.push(`${of}not valid YAML: ${withoutValue(message.split('\n')[0]!)}`);
  if (faults.length) return {};
  const duplicates = duplicateKeys(document, lines);
  for (const { path, line } of duplicates.slice(0, MAX_DUPLICATES))
    report.warnings.push(`${of}${path}: is there twice; the last one, on line ${line}, counts`);
  if (duplicates.length > MAX_DUPLICATES)
    report.warnings.push(`${of}${duplicates.length - MAX_DUPLICATES} more keys are there twice`);
  const value = valueOf(document) ?? {};
  const fault = faultIn(value);
  if (fault !== undefined) {
    report.problems.push(`${of}${fault}`);
    return {};
  }
  if (isMapping(value)) return value;
  report.problems.push(`${of}the file must be a mapping`);
  return {};
}

function valueOf(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw new Error(withoutValue((error as Error).message), { cause: error });
  }
}

/** Leaves out the name of a tag or alias: a secret that begins with `!` or `*` and has no quotes is read as one. */
const withoutValue = (message: string) =>
  message.replace(
    /^Unresolved (tag|alias)\b.*?: \S+/,
    'Unresolved $1; a text that begins with ! or * needs quotes:',
  );

/** Returns the problem with a value that no setting can have, undefined if there is none. */
function faultIn(
  value: unknown,
  path = '',
  ancestors = new Set<object>(),
  done = new Set<object>(),
): string | undefined {
  if (typeof value !== 'object' || value === null || done.has(value)) return undefined;
  const at = path || 'the file';
  if (ancestors.has(value)) return `${at}: contains itself, by an alias`;
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype)
    return `${at}: must be a plain mapping, list, text, number or flag`;
  ancestors.add(value);
  for (const [key, entry] of Object.entries(value)) {
    const name = Array.isArray(value) ? `[${key}]` : path ? `.${key}` : key;
    const fault = faultIn(entry, path + name, ancestors, done);
    if (fault !== undefined) return fault;
  }
  ancestors.delete(value);
  done.add(value);
  return undefined;
}

/** Returns the keys that a mapping has more than once, each with its path and the line of its last place. */
function duplicateKeys(
  document: Document.Parsed,
  lines: LineCounter,
): { readonly path: string; readonly line: number }[] {
  const found: { path: string; line: number }[] = [];
  visit(document, {
    Map(_, map, parents) {
      const last = new Map<string, { count: number; at: number }>();
      for (const { key } of map.items) {
        const name = String(isScalar(key) ? key.value : key);
        if (name === '<<') continue;
        const at = (key as Node | null)?.range?.[0] ?? 0;
        last.set(name, { count: (last.get(name)?.count ?? 0) + 1, at });
      }
      for (const [name, { count, at }] of last)
        if (count > 1) found.push({ path: pathTo([...parents, map], name), line: lines.linePos(at).line });
    },
  });
  return found;
}

/** Returns the path of a key below the nodes that lead to it. */
function pathTo(nodes: readonly unknown[], name: string): string {
  let path = '';
  for (const [i, node] of nodes.entries()) {
    const child = nodes[i + 1];
    if (isMap(node)) {
      const pair = node.items.find((one) => one === child);
      const key = pair && (isScalar(pair.key) ? pair.key.value : pair.key);
      if (pair) path += path ? `.${String(key)}` : String(key);
    } else if (isSequence(node)) path += `[${node.items.indexOf(child)}]`;
  }
  return path ? `${path}.${name}` : name;
}

const isSequence = (node: unknown): node is { items: unknown[] } =>
  typeof node === 'object' &&
  node !== null &&
  !isMap(node) &&
  Array.isArray((node as { items?: unknown }).items);

/**
 * Replaces `os.environ/NAME` by that variable anywhere. The file's own `environment_variables` count where the environment
 * has none. Returns them beside the settings. Problems go into the report.
 */
export function withEnvironment(
  settings: Readonly<Record<string, unknown>>,
  env: Env,
  report: Report,
): { readonly settings: Record<string, unknown>; readonly env: Env } {
  const { environment_variables: own, ...rest } = settings;
  const all = { ...ownVariables(own ?? {}, env, report), ...withoutEmpty(env) };
  return { settings: resolved(rest, all, '', report) as Record<string, unknown>, env: all };
}

function ownVariables(own: unknown, env: Env, report: Report): Env {
  const path = 'environment_variables';
  if (!isMapping(own)) {
    report.problems.push(`${path}: must be a mapping`);
    return {};
  }
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(resolved(own, env, path, report) as object)) {
    // A reference to it elsewhere finds no variable, either.
    if (value instanceof UnsetVariable) continue;
    if (typeof value === 'object' && value !== null) report.problems.push(`${path}.${name}: must be text`);
    else if (value != null) variables[name] = String(value);
  }
  return variables;
}

const withoutEmpty = (env: Env): Env => Object.fromEntries(Object.entries(env).filter(([, value]) => value));

function resolved(value: unknown, env: Env, path: string, report: Report): unknown {
  if (typeof value === 'string') {
    const [, name] = REFERENCE.exec(value) ?? [];
    if (name === undefined) return value;
    return (Object.hasOwn(env, name) && env[name]) || new UnsetVariable(name);
  }
  if (Array.isArray(value)) return value.map((entry, i) => resolved(entry, env, `${path}[${i}]`, report));
  if (!isMapping(value)) return value;
  const pathOf = (key: string) => (path ? `${path}.${key}` : key);
  if (Object.hasOwn(value, '__proto__')) report.problems.push(`${pathOf('__proto__')}: is not a name`);
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, resolved(entry, env, pathOf(key), report)]),
  );
}
