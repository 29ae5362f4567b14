import { DataSource } from 'typeorm';
import type { Config } from '../config/config.js';
import { dataFolderWarnings } from '../database/data-folder-warnings.js';
import { databaseOptions } from '../database-options.js';
import { withoutTimeout } from '../database/options.js';
import { verifyLedger } from '../ledger/verify-ledger.js';

/**
 * Runs `tollgate verify-ledger`: says for every account whether its balance is the sum of its entries. Returns true if
 * all are.
 */
export async function verifyLedgerCommand(config: Config, say: (line: string) => void): Promise<boolean> {
  if (config.databaseUrl === undefined) expectWholeLedger(config.dataFolder);
  const dataSource = await new DataSource(
    withoutTimeout(databaseOptions(config.databaseUrl, config.dataFolder)),
  ).initialize();
  try {
    const { accounts, differences } = await verifyLedger(dataSource);
    for (const { accountId, column: of, balance, entries } of differences) {
      say(
        `${accountId}: the balance says ${of} ${balance ?? 'nothing'}, its entries add up to ${entries} nano-dollars`,
      );
    }
    say(`${accounts} accounts, ${differences.length} that differ from the ledger.`);
    return differences.length === 0;
  } finally {
    await dataSource.destroy();
  }
}

/** Throws if files of the ledger are missing: sums of a part prove nothing. It looks twice, because a gateway may be writing. */
function expectWholeLedger(folder: string): void {
  if (!dataFolderWarnings(folder).length) return;
  const warnings = dataFolderWarnings(folder);
  if (warnings.length) throw new Error(`The ledger was not verified. ${warnings.join(' ')}`);
}
