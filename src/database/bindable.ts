import type Libsql from 'libsql';

const METHODS = ['run', 'get', 'iterate'] as const;

/**
 * Checks the parameters of every statement this connection prepares. The binding ends the process on a boolean, and on an
 * object that is the only parameter; with the check in front both are errors.
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
          // Bytes or null as the only parameter are an object to the binding, unless they stand in a list.
          return act.apply(statement, isAlone(parameters[0]) ? [parameters] : parameters);
        };
      }
      return statement;
    },
  });
}

const isAlone = (value: unknown) => value === null || ArrayBuffer.isView(value);

/** The list of all parameters may be the only one. */
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

/** A statement was given what no database takes. */
export class UnbindableError extends TypeError {}
