import { createApp } from '../app.setup.js';
import type { Config } from '../config/config.js';
import { dataFolderWarnings, markDataFolder } from '../database/data-folder-warnings.js';
import { lockFolder } from '../database/folder-lock.js';
import { logAsJson, limitRepeatedLogs, print } from '../logs/logs.js';
import { Redis } from '../redis/redis.js';
import { printStartupBanner } from './startup-banner.js';

/** Runs `tollgate start`: serves until a signal ends it. Throws if it cannot. */
export async function start(config: Config): Promise<void> {
  limitRepeatedLogs();
  if (config.jsonLogs) logAsJson();
  try {
    const lock = lockFolder(config.dataFolder);
    const isEmbedded = config.databaseUrl === undefined;
    if (isEmbedded)
      for (const warning of dataFolderWarnings(config.dataFolder)) print(`Warning: ${warning}`, 'warn');
    const app = await createApp(config);
    if (isEmbedded) markDataFolder(config.dataFolder, new Date());
    app.enableShutdownHooks(undefined, { useProcessExit: true });
    await app.listen(config.port, config.host);
    process.once('exit', () => lock.release());
    const { failure } = app.get(Redis);
    const warnings =
      failure === undefined ? [] : [`Redis does not answer, so calls get 503 until it does: ${failure}`];
    printStartupBanner(config, await app.getUrl(), warnings);
  } catch (error) {
    throw new Error(`Tollgate did not start. ${reasonOf(error, config)}`, { cause: error });
  }
}

/** Names the file in an error, because SQLite does not. */
function reasonOf(error: unknown, { dataFolder }: Config): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const isOfFile = typeof code === 'string' && code.startsWith('SQLITE_');
  return `${isOfFile ? `The database in the data folder ${dataFolder}: ` : ''}${String(message ?? error)}`;
}
