#!/usr/bin/env node
import 'reflect-metadata';

/** Prints help if not even the code can be loaded. The log cannot be loaded either. */
function failedToLoad(error: unknown): void {
  if ((error as { code?: unknown }).code === 'EMFILE') {
    console.error(
      'Tollgate did not start. The process may not open enough files (EMFILE): raise its limit (ulimit -n, LimitNOFILE), to 65536 for instance.',
    );
    process.exit(1);
  }
  if (process.listenerCount('uncaughtException') > 1) return;
  console.error(error);
  process.exit(1);
}

// Node's loader throws some errors past the code that imports.
process.on('uncaughtException', failedToLoad);
try {
  const { tollgate } = await import('./cli/tollgate.js');
  await tollgate().parseAsync();
  process.off('uncaughtException', failedToLoad);
} catch (error) {
  if ((error as { code?: unknown }).code === 'EMFILE') failedToLoad(error);
  const { printFatal } = await import('./logs/logs.js');
  printFatal(error);
  process.exit(1);
}
