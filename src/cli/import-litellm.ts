import { createApp } from '../app.setup.js';
import type { Config } from '../config/config.js';
import { lockFolder } from '../database/folder-lock.js';
import { ImportReport } from '../litellm-import/import-report.js';
import { Importer } from '../litellm-import/importer.js';
import { LitellmDatabase } from '../litellm-import/litellm-database.js';
import { LitellmImportModule } from '../litellm-import/litellm-import.module.js';

/**
 * Runs `tollgate import-litellm`: imports a LiteLLM database and reports what happened to every row, however it ends.
 * Returns true if no row was skipped.
 */
export async function importLitellm(
  config: Config,
  { url, isDry }: { readonly url: string; readonly isDry: boolean },
  say: (line: string) => void,
): Promise<boolean> {
  const litellm = await LitellmDatabase.open(url);
  try {
    // A shared database has other processes beside the import; a data folder has one process.
    const lock = config.databaseUrl === undefined ? lockFolder(config.dataFolder) : undefined;
    const app = await createApp(config, { modules: [LitellmImportModule], isCommand: true });
    try {
      const report = new ImportReport(isDry);
      try {
        await app.get(Importer).run(litellm, report, say, stopped());
      } finally {
        for (const line of report.lines()) say(line);
      }
      return report.isComplete;
    } finally {
      await app.close();
      lock?.release();
    }
  } finally {
    await litellm.close();
  }
}

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process. */
function stopped(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
