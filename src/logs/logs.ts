import { ConsoleLogger, Logger, type LogLevel } from '@nestjs/common';
import { inspect } from 'node:util';
import { RepeatedLines } from './repeated-lines.js';
import { ConfigError } from '../config/read-config.js';

const LEVEL: Record<LogLevel, string> = {
  verbose: 'debug',
  debug: 'debug',
  log: 'info',
  warn: 'warn',
  error: 'error',
  fatal: 'fatal',
};

let isJson = false;

/** An entry of the log as one JSON object. `fields` say more, such as `request_id`. */
export function jsonLine(
  level: LogLevel,
  context: string,
  message: string,
  fields: Readonly<Record<string, unknown>>,
): string {
  return JSON.stringify({ time: new Date(), level: LEVEL[level], context, message, ...fields });
}

const repeated = new RepeatedLines();

/** Writes errors and warnings that are told again and again only now and then. */
class SparingLogger extends ConsoleLogger {
  override error(message: unknown, ...more: unknown[]): void {
    if (this.admits('error', message, more)) super.error(message, ...more);
  }

  override warn(message: unknown, ...more: unknown[]): void {
    if (this.admits('warn', message, more)) super.warn(message, ...more);
  }

  private admits(level: 'error' | 'warn', message: unknown, more: readonly unknown[]): boolean {
    const text = message instanceof Error ? message.message : String(message);
    const texts = more.filter((one) => typeof one === 'string');
    // Of a stack its first line: where the same error came from does not make it another.
    const kind = [level, text, ...texts.map((one) => one.split('\n', 1)[0])].join('\n');
    const context = texts.at(-1) ?? '';
    return repeated.admits(kind, (count) =>
      super[level](`${count} more times in 10 s: ${text}`, ...(context.includes('\n') ? [] : [context])),
    );
  }
}

class JsonLogger extends SparingLogger {
  constructor() {
    super({ json: true });
  }

  protected override printAsJson(
    message: unknown,
    {
      logLevel,
      context,
      params,
      errorStack,
      error,
      writeStreamType = 'stdout',
    }: Parameters<ConsoleLogger['printAsJson']>[1],
  ): void {
    const text = typeof message === 'string' ? message : inspect(message, { breakLength: Infinity });
    const reason = errorStack ?? error?.stack;
    const fields = { ...params, ...(reason !== undefined && { error: reason }) };
    process[writeStreamType].write(`${jsonLine(logLevel, context, text, fields)}\n`);
  }
}

/**
 * From now on a log that cannot be written (its disk is full, its reader is gone, it is as long as it may be) loses lines
 * and does not end the process; and a line that is told again and again is written now and then.
 */
export function logSparingly(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  Logger.overrideLogger(new SparingLogger());
}

/** From now on every line this process writes is one JSON object, what Node itself would say included. */
export function logAsJson(): void {
  isJson = true;
  Logger.overrideLogger(new JsonLogger());
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => print(`${name}: ${message}`, 'warn'));
  process.on('uncaughtException', (error) => {
    new JsonLogger().fatal('Nobody expected this error; the process ends.', error.stack ?? error, 'tollgate');
    process.exit(1);
  });
}

/** Tells whoever started this process: a line as it is, or an entry of the log. */
export function print(message: string, level: 'log' | 'warn' | 'fatal' = 'log'): void {
  if (isJson) new JsonLogger()[level](message, 'tollgate');
  else if (level === 'fatal') console.error(message);
  else console.log(message);
}

/** Tells why the process ends. */
export function printFatal(error: unknown): void {
  if (error instanceof ConfigError && error.jsonLogs) logAsJson();
  print(error instanceof Error ? error.message : String(error), 'fatal');
}
