import { readFileSync, writeFileSync } from 'node:fs';

/** Marks a difference that is a fault, not a decision. `docs/differences.md` does not have it, and it must go. */
const FAULT = 'to be mended: ';

/** True if an engineer who changed what the gateway decides wants the differences of today in the files. */
export const writesDifferences = process.env.DECISIONS === 'write';

const page = readFileSync(new URL('../../docs/differences.md', import.meta.url), 'utf8');
/** First cells of the page's tables. */
const titles = new Set([...page.matchAll(/^\| (.+?) +\|/gm)].map(([, title]) => title));
/** Entries of the page's lists, each on one line. */
const entries = [...page.matchAll(/^- (.+(?:\n {2}.+)*)/gm)].map(([, entry]) =>
  entry!.replaceAll(/\n +/g, ' '),
);

/** Returns the reasons that are neither a title nor the beginning of an entry of `docs/differences.md`. */
export const reasonsWithoutPlace = (differences: object): string[] =>
  Object.keys(differences).filter(
    (reason) =>
      !reason.startsWith(FAULT) &&
      !titles.has(reason) &&
      !entries.some((entry) => entry.startsWith(reason) && !/^\w/.test(entry.slice(reason.length))),
  );

/** Writes differences by their reasons, a line for each caller. */
export function writeTable(
  name: string,
  byReason: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): void {
  const blocks = Object.keys(byReason)
    .toSorted()
    .map((reason) => {
      const lines = Object.entries(byReason[reason]!).map(
        ([id, value]) => `    ${JSON.stringify(id)}: ${JSON.stringify(value)}`,
      );
      return `  ${JSON.stringify(reason)}: {\n${lines.join(',\n')}\n  }`;
    });
  writeFileSync(new URL(name, import.meta.url), `{\n${blocks.join(',\n')}\n}\n`);
}
