import 'reflect-metadata';
import { createApp } from './app.setup.js';
import { readConfig } from './config/read-config.js';
import { lockFolder } from './database/folder-lock.js';
import { verifyLedgerCommand } from './verify-ledger.js';
import { welcome } from './welcome.js';

try {
  const [command, ...rest] = process.argv.slice(2);
  const verifying = command === 'verify-ledger';
  const config = readConfig(undefined, verifying ? rest : undefined);
  if (verifying) process.exit((await verifyLedgerCommand(config, console.log)) ? 0 : 1);
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
