import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource, QueryFailedError } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from './database.js';
import { databaseOptions } from '../database-options.js';

let folder: string;
let dataSource: DataSource;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-'));
  dataSource = await new DataSource(databaseOptions(undefined, folder)).initialize();
});
afterAll(async () => {
  await dataSource.destroy();
  rmSync(folder, { recursive: true });
});

describe('a parameter of a statement', () => {
  it.each([
    [{ a: 1 }],
    [new Date(0)],
    [[[1]]],
    [[{ a: 1 }]],
    [[true]],
    [() => 1],
    [Symbol('x')],
    [new ArrayBuffer(2)],
  ])('that no database takes is an error, and no end of the process: %o', async (value) => {
    await expect(dataSource.query('SELECT ? AS x', [value])).rejects.toBeInstanceOf(QueryFailedError);
    const prepared = new Database(dataSource).prepare('SELECT ? AS x');
    for (const parameters of [value, [value]])
      expect(() => prepared.run(parameters as never)).toThrow(TypeError);
    expect(() => prepared.run(true as never)).toThrow('a boolean');
  });

  it.each([
    ['text', "'text'"],
    [0.5, '0.5'],
    [null, 'NULL'],
    [undefined, 'NULL'],
    [2n ** 62n, '4611686018427387904'],
    [Buffer.from('bytes'), "X'6279746573'"],
  ])('that it takes is taken: %o', async (value, quoted) => {
    expect(await dataSource.query('SELECT quote(?) AS x', [value])).toEqual([{ x: quoted }]);
  });
});
