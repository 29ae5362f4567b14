import { readFileSync } from 'node:fs';

const page = readFileSync(new URL('../../docs/differences.md', import.meta.url), 'utf8');

/** First cells of the page's tables, without their heads. */
const titles = [...page.matchAll(/^\| (.+?) +\|/gm)]
  .map(([, title]) => title!)
  .filter((title) => !/^(?:-+| +)$/.test(title));
/** Entries of the page's lists, each on one line. */
const entries = [...page.matchAll(/^- (.+(?:\n {2}.+)*)/gm)].map(([, entry]) =>
  entry!.replaceAll(/\n +/g, ' '),
);

/** Differences of `docs/differences.md`: a title of a table's row, or an entry of a list. */
export const differences: readonly string[] = [...titles, ...entries];

/** Tells whether a name means this difference: its title, or whole words at the beginning of its entry. */
export const means = (name: string, difference: string): boolean =>
  difference === name ||
  (entries.includes(difference) && difference.startsWith(name) && !/^\w/.test(difference.slice(name.length)));
