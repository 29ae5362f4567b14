import { ShutdownSignal } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp } from '../app.setup.js';
import type { Config } from '../config/config.js';
import { dataFolderWarnings, markDataFolder } from '../database/data-folder-warnings.js';
import { lockFolder } from '../database/folder-lock.js';
import { Drain } from '../health/drain.js';
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
    endOnSignals(app);
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

/** Ends the process on a signal. SIGTERM begins with the drain phase, which every further signal ends. */
function endOnSignals(app: NestFastifyApplication): void {
  const others = Object.values(ShutdownSignal).filter((signal) => signal !== 'SIGTERM');
  app.enableShutdownHooks(others, { useProcessExit: true });
  const drain = app.get(Drain, { strict: false });
  process.on('SIGTERM', () => {
    if (drain.isUnderWay) drain.skip();
    else void drain.run().then(() => process.emit('SIGINT', 'SIGINT'));
  });
}

/** Names the file in an error, because SQLite does not. */
function reasonOf(error: unknown, { dataFolder }: Config): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const isOfFile = typeof code === 'string' && code.startsWith('SQLITE_');
  return `${isOfFile ? `The database in the data folder ${dataFolder}: ` : ''}${String(message ?? error)}`;
}
