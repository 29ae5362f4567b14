#!/usr/bin/env node
import 'reflect-metadata';
import { tollgate } from './commands/tollgate.js';

try {
  await tollgate().parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
