#!/usr/bin/env node
import 'reflect-metadata';
import { tollgate } from './commands/tollgate.js';

try {
  await tollgate().parseAsync();
} catch (error) {
  const { tellFailure } = await import('./logs/logs.js');
  tellFailure(error);
  process.exit(1);
}
