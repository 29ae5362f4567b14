import 'reflect-metadata';
import { createApp } from './app.setup.js';
import { readConfig } from './config/read-config.js';
import { lockFolder } from './database/folder-lock.js';
import { welcome } from './welcome.js';

try {
  const config = readConfig();
  const lock = lockFolder(config.dataFolder);
  const app = await createApp(config);
  app.enableShutdownHooks(undefined, { useProcessExit: true });
  await app.listen(config.port, config.host);
  process.once('exit', () => lock.release());
  console.log(welcome(config, await app.getUrl()));
} catch (error) {
  console.error(`Tollgate did not start. ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
