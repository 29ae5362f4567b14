import { writeFileSync } from 'node:fs';
import { differences as differencesOfPage, means } from '../differences/page.js';

/** Marks a difference that is a fault, not a decision. `docs/differences.md` does not have it, and it must go. */
const FAULT = 'to be mended: ';

/** True if an engineer who changed what the gateway decides wants the differences of today in the files. */
export const writesDifferences = process.env.DECISIONS === 'write';

/** Returns the reasons that are neither a title nor the beginning of an entry of `docs/differences.md`. */
export const reasonsWithoutPlace = (differences: object): string[] =>
  Object.keys(differences).filter(
    (reason) =>
      !reason.startsWith(FAULT) && !differencesOfPage.some((difference) => means(reason, difference)),
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
