import type { EntryMark, LedgerEntry } from './ledger-entry.entity.js';

/** Marks of calls whose client got no complete answer, whatever they cost. */
const FAILING_MARKS: readonly EntryMark[] = ['unconfirmed', 'failed', 'abandoned'];

/** Returns whether the call of an entry failed: its client got an error, or an answer that broke off. */
export const hasFailed = ({ state, mark }: Pick<LedgerEntry, 'state' | 'mark'>): boolean =>
  state === 'released' || (mark !== null && FAILING_MARKS.includes(mark));

/** Returns SQL that tells whether a mark is that of a failed call. */
export const hasFailingMark = (mark: string): string =>
  `COALESCE(${mark}, '') IN (${FAILING_MARKS.map((name) => `'${name}'`).join(', ')})`;
