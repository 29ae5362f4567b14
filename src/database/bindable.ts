import type Libsql from 'libsql';

const METHODS = ['run', 'get', 'iterate'] as const;

/**
 * Checks the parameters of every statement that this connection prepares. The binding ends the process on a boolean,
 * and on an object that is the only parameter. The check turns both into errors.
 */
export function refuseUnbindable(connection: Pick<Libsql.Database, 'prepare'>): void {
  const prepare = connection.prepare.bind(connection) as unknown as (sql: string) => Record<string, unknown>;
  Object.assign(connection, {
    prepare(sql: string) {
      const statement = prepare(sql);
      for (const method of METHODS) {
        const act = statement[method] as (...parameters: unknown[]) => unknown;
        statement[method] = (...parameters: unknown[]) => {
          for (const parameter of parameters) requireBindable(parameter, true);
          // The binding takes bytes or null as an object if they are the only parameter, unless they are in a list.
          return act.apply(statement, isAlone(parameters[0]) ? [parameters] : parameters);
        };
      }
      return statement;
    },
  });
}

const isAlone = (value: unknown) => value === null || ArrayBuffer.isView(value);

/** Throws unless the value can be bound. The outermost value may be the list of all parameters. */
function requireBindable(value: unknown, isOutermost: boolean): void {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'undefined':
      return;
    case 'object':
      if (value === null || ArrayBuffer.isView(value)) return;
      if (isOutermost && Array.isArray(value)) {
        for (const one of value) requireBindable(one, false);
        return;
      }
  }
  const kind = Array.isArray(value)
    ? 'a list'
    : typeof value === 'object'
      ? 'an object'
      : `a ${typeof value}`;
  throw new UnbindableError(`A parameter of a statement cannot be ${kind}.`);
}

/** Thrown if a statement has a parameter that no database accepts. */
export class UnbindableError extends TypeError {}
