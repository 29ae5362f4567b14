import { createApp } from '../app.setup.js';
import type { Config } from '../config/config.js';
import { lockFolder } from '../database/folder-lock.js';
import { welcome } from './welcome.js';

/** `tollgate start`: serves until a signal ends it. Throws when it cannot. */
export async function start(read: () => Config): Promise<void> {
  try {
    const config = read();
    const lock = lockFolder(config.dataFolder);
    const app = await createApp(config);
    app.enableShutdownHooks(undefined, { useProcessExit: true });
    await app.listen(config.port, config.host);
    process.once('exit', () => lock.release());
    console.log(welcome(config, await app.getUrl()));
  } catch (error) {
    throw new Error(`Tollgate did not start. ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
