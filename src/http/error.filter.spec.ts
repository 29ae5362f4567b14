import { EntityNotFoundError, QueryFailedError, QueryRunnerAlreadyReleasedError } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { toErrorResponse } from './error.filter.js';

const driver = (code: string | undefined, message = 'x') =>
  Object.assign(new Error(message), code && { code });
const query = (code: string | undefined, message?: string) => new QueryFailedError('SELECT', [], driver(code, message)); // prettier-ignore

describe('the status of an error', () => {
  it.each([
    ['a connection that is refused', driver('ECONNREFUSED'), 503],
    ['a server that shuts down', query('57P01'), 503],
    ['a server that starts', query('57P03'), 503],
    ['too many connections', query('53300'), 503],
    ['a role that may not connect', driver('28P01'), 503],
    ['a statement that took too long', query('57014'), 503],
    ['a deadlock', query('40P01'), 503],
    ['a standby', query('25006'), 503],
    ['a connection that broke', query(undefined, 'Connection terminated unexpectedly'), 503],
    ['no free connection', driver(undefined, 'timeout exceeded when trying to connect'), 503],
    ['a connection that was released already', new QueryRunnerAlreadyReleasedError(), 503],
    ['a busy file', query('SQLITE_BUSY'), 503],
    ['a full disk', query('SQLITE_FULL'), 503],
    ['a name that is taken', query('23505'), 409],
    ['a type that does not fit', query('42804'), 500],
    ['a column that is not there', query('42703'), 500],
    ['a NUL in a text', query('22021'), 500],
    ['a row too large for an index', query('54000'), 500],
    ['a wrong statement of SQLite', query('SQLITE_ERROR'), 500],
    ['a constraint', query('SQLITE_CONSTRAINT'), 500],
    ['a programming error', new EntityNotFoundError('X', {}), 500],
    ['another programming error', new TypeError('x'), 500],
  ])('%s: %#', (_, error, status) => {
    expect(toErrorResponse(error).status).toBe(status);
  });
});
