import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { dropPostgresTemplate } from './templates.js';

/** Makes the folder in which workers keep what they share, and removes it at the end. All projects of a run share one. */
export default function setup(project: TestProject): (() => Promise<void>) | undefined {
  if (process.env.TEST_RUN_FOLDER) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-run-'));
  process.env.TEST_RUN_FOLDER = folder;
  // In watch mode the source may have changed.
  project.onTestsRerun(async () => {
    await dropPostgresTemplate();
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
  });
  return async () => {
    await dropPostgresTemplate();
    rmSync(folder, { recursive: true, force: true });
  };
}
