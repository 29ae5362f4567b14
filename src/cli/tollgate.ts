import { Command } from 'commander';
import { ENVIRONMENT, readConfig, readSettings } from '../config/read-config.js';

interface ExplainOptions {
  readonly url?: string;
  readonly body?: string;
  readonly route: string;
  readonly userAgent?: string;
}

const say = (text: string) => void console.log(text);

/** Builds the command line. Every command reads the configuration of the gateway, and loads its code when it runs. */
export function tollgate(): Command {
  const program = new Command('tollgate')
    .description('The gate in front of LLM APIs: who is calling, may they, and what does it cost.')
    .option('--config <path>', 'the configuration file, before TOLLGATE_CONFIG and ./tollgate.yaml')
    .showHelpAfterError()
    .addHelpText('after', `\nEnvironment:\n${environment()}\n`);
  const config = () => readConfig(undefined, program.opts<{ config?: string }>().config);

  program
    .command('start', { isDefault: true })
    .description('migrate the database and serve (what happens without a command)')
    .action(async () => {
      const settings = config();
      if (settings.tracing) {
        // Must run before the code that it traces is loaded.
        const { startTracing } = await import('../tracing/start-tracing.js');
        await startTracing(settings.tracing);
      }
      const { start } = await import('./start.js');
      await start(settings);
    });

  program
    .command('migrate')
    .description(
      'bring the database up to date and exit: before a rolling upgrade, or by another database user',
    )
    .action(async () => {
      const { migrate } = await import('./migrate.js');
      await migrate(config(), say);
    });

  program
    .command('check')
    .description(
      'say what a start would do with a configuration file, and what to write instead; exit code 0: all of it works, 1: it starts with remarks, 2: it does not start, 64: wrong usage, 66: the file cannot be read',
    )
    .argument('[file]', 'the file; default: --config, TOLLGATE_CONFIG or ./tollgate.yaml')
    .option('--json', 'print the report as JSON')
    .exitOverride(({ exitCode }) => process.exit(exitCode && USAGE_CODE))
    .action(async (file: string | undefined, { json = false }: { json?: boolean }) => {
      const { checkConfig } = await import('./check.js');
      const path = file ?? program.opts<{ config?: string }>().config;
      process.exitCode = checkConfig(path, { isJson: json }, say);
    });

  program
    .command('prices')
    .description(
      'say what models cost and where each figure is from; exit code 1 if a model has no price. Without a name: the models of the file',
    )
    .argument('[name]', 'a model_name of the file, or a model as files write it: azure/eu/gpt-4o')
    .option('--json', 'print every figure as JSON')
    .action(async (name: string | undefined, { json = false }: { json?: boolean }) => {
      const { printPrices } = await import('./prices.js');
      const read = readSettings(undefined, program.opts<{ config?: string }>().config);
      process.exitCode = printPrices(read, name, { isJson: json }, say);
    });

  program
    .command('verify-ledger')
    .description(
      'add every account up again from the ledger; exit code 1 on a difference, 2 if that could not be found out',
    )
    .action(async () => {
      const { verifyLedgerCommand } = await import('./verify-ledger.js');
      try {
        process.exitCode = (await verifyLedgerCommand(config(), say)) ? 0 : 1;
      } catch (error) {
        await tellCouldNotRun(error);
      }
    });

  program
    .command('new-installation')
    .description(
      'give a restored copy of a database an id of its own, so that it may share a Redis with the original',
    )
    .action(async () => {
      const { newInstallation } = await import('./new-installation.js');
      await newInstallation(config(), say);
    });

  program
    .command('explain')
    .description('ask a running gateway why a key may or may not call a model; exit code 1 if it may not')
    .argument('<key>', 'a virtual key, or its hash')
    .argument('<model>', 'the model, as a call would name it')
    .option('--url <url>', 'where the gateway listens; default: as configured here')
    .option(
      '--body <json>',
      'the request body that would be sent, e.g. \'{"max_tokens": 100, "user": "u1"}\'',
    )
    .option('--route <path>', 'the route that would be called', '/v1/chat/completions')
    .option(
      '--user-agent <text>',
      'the user agent of the client, on which the status of a refusal may depend',
    )
    .action(async (key: string, model: string, options: ExplainOptions) => {
      const { explain } = await import('./explain.js');
      process.exitCode = (await explain(config(), { key, model, ...options }, say)) ? 0 : 1;
    });

  program
    .command('import-litellm')
    .description(
      'take over keys, users, teams, budgets … and what they spent from LiteLLM’s PostgreSQL; exit code 1 if a row was left',
    )
    .argument('<postgres-url>', 'LiteLLM’s DATABASE_URL; it is only read')
    .option('--dry-run', 'do all of it, tell what came of it, and keep nothing')
    .action(async (url: string, { dryRun = false }: { dryRun?: boolean }) => {
      const { importLitellm } = await import('./import-litellm.js');
      process.exitCode = (await importLitellm(config(), { url, isDry: dryRun }, say)) ? 0 : 1;
    });

  return program;
}

/** The exit code of wrong usage where other codes are results, as in `sysexits.h`. */
const USAGE_CODE = 64;

/** A failure that must not look like a result. */
async function tellCouldNotRun(error: unknown): Promise<void> {
  const { printFatal } = await import('../logs/logs.js');
  printFatal(error);
  process.exitCode = 2;
}

const NAME_WIDTH = Math.max(...Object.keys(ENVIRONMENT).map(({ length }) => length)) + 2;

const environment = () =>
  Object.entries(ENVIRONMENT)
    .map(([name, meaning]) => `  ${name.padEnd(NAME_WIDTH)}${meaning}`)
    .join('\n');
