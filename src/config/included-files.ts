import { dirname, resolve } from 'node:path';
import { isMapping, type Report } from './section.js';
import { parseYaml } from './yaml-file.js';

/** Paths at which configuration files are looked for. */
export interface Files {
  exists(path: string): boolean;
  text(path: string): string;
}

/** The most files that one configuration includes. */
const MAX_FILES = 100;
/** The most characters of all of them together. */
const MAX_CHARS = 16 * 1024 * 1024;

/**
 * Reads a configuration file and those of its `include`. As in LiteLLM, lists are extended, every other value of an included
 * file replaces the value so far, paths are relative to the file that names them, and no file counts twice. Problems and
 * warnings go into the report.
 */
export function readWithIncluded(path: string, files: Files, report: Report): Record<string, unknown> {
  const main = contentOf(path, files, report);
  if (!main) return {};
  let { settings, chars } = main;
  const waiting = entriesOf(settings, path, path, report);
  const read = new Set([resolve(path)]);
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const place = placeOf(next, path, files, report);
    if (read.has(place)) continue;
    read.add(place);
    const content = contentOf(place, files, report, next.entry);
    if (!content) continue;
    chars += content.chars;
    if (read.size > MAX_FILES + 1 || chars > MAX_CHARS) {
      report.problems.push(`include: is limited to ${MAX_FILES} files of 16 MB together`);
      break;
    }
    settings = merged(settings, content.settings, next.entry, report);
    waiting.push(...entriesOf(content.settings, place, next.entry, report));
  }
  const { include: _, ...rest } = settings;
  return rest;
}

interface Entry {
  readonly entry: string;
  /** The file that names it. */
  readonly from: string;
}

function entriesOf(settings: Record<string, unknown>, from: string, name: string, report: Report): Entry[] {
  const include = settings.include ?? [];
  if (Array.isArray(include) && include.every((entry) => typeof entry === 'string' && entry))
    return (include as string[]).map((entry) => ({ entry, from }));
  report.problems.push(`${name === from ? '' : `${name}: `}include: must be a list of paths of files`);
  return [];
}

/** Returns the path of an included file: beside the file that names it, else beside the first one. */
function placeOf({ entry, from }: Entry, main: string, files: Files, report: Report): string {
  const [beside, besideMain] = [from, main].map((file) => resolve(dirname(file), entry)) as [string, string];
  if (beside === besideMain || files.exists(beside) || !files.exists(besideMain)) return beside;
  report.warnings.push(`include: ${entry} is not beside ${from}, so ${besideMain} was read`);
  return besideMain;
}

function merged(
  settings: Record<string, unknown>,
  included: Record<string, unknown>,
  name: string,
  report: Report,
): Record<string, unknown> {
  const all = { ...settings };
  for (const [key, value] of Object.entries(included)) {
    if (key === 'include') continue;
    if (key === '__proto__') {
      report.problems.push(`${name}: __proto__: is not a name`);
      continue;
    }
    const before = all[key];
    if (Array.isArray(before) && Array.isArray(value)) {
      all[key] = [...(before as unknown[]), ...(value as unknown[])];
      continue;
    }
    const lost = isMapping(before)
      ? Object.keys(before).filter((one) => !isMapping(value) || !Object.hasOwn(value, one))
      : [];
    if (lost.length)
      report.warnings.push(
        `${key}: ${name} replaces it as a whole, so these count no more: ${lost.join(', ')}`,
      );
    all[key] = value;
  }
  return all;
}

/** Reads one file. `entry`: its name in `include`. */
function contentOf(path: string, files: Files, report: Report, entry?: string) {
  try {
    const text = files.text(path);
    return { chars: text.length, settings: parseYaml(text, report, entry) };
  } catch (error) {
    report.problems.push(`${entry === undefined ? path : `include: ${entry}`}: ${(error as Error).message}`);
    return undefined;
  }
}
