import { createApp } from '../app.setup.js';
import type { Config } from '../config/config.js';
import { lockFolder } from '../database/folder-lock.js';
import { logAsJson, logSparingly } from '../logs/logs.js';
import { tellStart } from './welcome.js';

/** `tollgate start`: serves until a signal ends it. Throws when it cannot. */
export async function start(config: Config): Promise<void> {
  logSparingly();
  if (config.jsonLogs) logAsJson();
  try {
    const lock = lockFolder(config.dataFolder);
    const app = await createApp(config);
    app.enableShutdownHooks(undefined, { useProcessExit: true });
    await app.listen(config.port, config.host);
    process.once('exit', () => lock.release());
    tellStart(config, await app.getUrl());
  } catch (error) {
    throw new Error(`Tollgate did not start. ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
