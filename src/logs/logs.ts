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

/** Returns a log entry as one JSON object. `fields` adds members such as `request_id`. */
export function jsonLine(
  level: LogLevel,
  context: string,
  message: string,
  fields: Readonly<Record<string, unknown>>,
): string {
  return JSON.stringify({ time: new Date(), level: LEVEL[level], context, message, ...fields });
}

const repeated = new RepeatedLines();

/** A console logger that limits repeated errors and warnings. */
class RateLimitedLogger extends ConsoleLogger {
  override error(message: unknown, ...more: unknown[]): void {
    if (this.admits('error', message, more)) super.error(message, ...more);
  }

  override warn(message: unknown, ...more: unknown[]): void {
    if (this.admits('warn', message, more)) super.warn(message, ...more);
  }

  private admits(level: 'error' | 'warn', message: unknown, more: readonly unknown[]): boolean {
    const text = message instanceof Error ? message.message : String(message);
    const texts = more.filter((one) => typeof one === 'string');
    // Only the first line of a stack counts: the same error from another place is the same kind.
    const kind = [level, text, ...texts.map((one) => one.split('\n', 1)[0])].join('\n');
    const context = texts.at(-1) ?? '';
    return repeated.admits(kind, (count) =>
      super[level](`${count} more times in 10 s: ${text}`, ...(context.includes('\n') ? [] : [context])),
    );
  }
}

class JsonLogger extends RateLimitedLogger {
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
 * Limits repeated log lines. A log that cannot be written (full disk, closed reader) loses lines and does not end the
 * process.
 */
export function limitRepeatedLogs(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  Logger.overrideLogger(new RateLimitedLogger());
}

/** Writes every log line as one JSON object, also the lines of Node itself. */
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

/** Prints a message to the operator: a plain line, or a log entry in JSON mode. */
export function print(message: string, level: 'log' | 'warn' | 'fatal' = 'log'): void {
  if (isJson) new JsonLogger()[level](message, 'tollgate');
  else if (level === 'fatal') console.error(message);
  else console.log(message);
}

/** Prints the reason why the process ends. */
export function printFatal(error: unknown): void {
  if (error instanceof ConfigError && error.jsonLogs) logAsJson();
  print(error instanceof Error ? error.message : String(error), 'fatal');
}
