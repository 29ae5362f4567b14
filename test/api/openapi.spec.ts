import { validate } from '@readme/openapi-parser';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import openapiTypescript, { astToString } from 'openapi-typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';
import { handlers } from '../harness/handlers.js';

/** The document `/openapi.json` is one, and clients can be made of it. */

interface Operation {
  readonly door: string;
  readonly operationId: string;
  readonly summary?: string;
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly requestBody?: { readonly content: Record<string, { readonly example?: object }> };
  readonly responses: Readonly<Record<string, { readonly content?: object }>>;
}

/** A handler of several paths has its paths in the ids of its operations. */
const handlerName = (operationId: string) => operationId.replace(/\[\d+\]$/, '');

let upstream: Upstream;
let gateway: Gateway;
let document: { paths: Record<string, Record<string, Omit<Operation, 'door'>>> };
let operations: Operation[];
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
  document = (await gateway.send('GET', '/openapi.json')).body;
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      door: `${method.toUpperCase()} ${path}`,
    })),
  );
});
afterAll(() => closeAll(gateway, upstream));

describe('the document', () => {
  it('is valid, by somebody else’s judgement', async () => {
    const judged = await validate(structuredClone(document) as never);
    expect(judged.valid ? [] : judged.errors).toEqual([]);
  });

  it('says of every route what it does, what it answers and how it refuses', () => {
    for (const { door, summary, responses } of operations) {
      const answers = Object.entries(responses).filter(([status]) => status.startsWith('2'));
      const isTold = answers.every(([status, { content }]) => status === '204' || content !== undefined);
      expect({ door, summary: !!summary, isTold: answers.length > 0 && isTold }).toEqual({ door, summary: true, isTold: true });
      if (!door.startsWith('GET /health/')) expect(responses, door).toHaveProperty('401');
    }
  }); // prettier-ignore

  it('answers with what its handler returns', () => {
    const written = new Map(handlers().map((handler) => [handler.name, handler]));
    const schemasIn = ({ responses }: Operation) => [
      ...new Set([...JSON.stringify(responses['200'] ?? responses['201'] ?? {}).matchAll(/schemas\/(\w+)/g)].map(([, name]) => name)),
    ];
    const checked = operations.filter(({ operationId }) => !written.get(handlerName(operationId))!.writesItself);
    const declared = (operation: Operation) => written.get(handlerName(operation.operationId))!.responses.toSorted();
    expect(checked.map((operation) => [operation.door, schemasIn(operation).toSorted()])).toEqual(
      checked.map((operation) => [operation.door, declared(operation)]),
    );
    expect(checked.length).toBeGreaterThan(100);
  }); // prettier-ignore

  it('has an example of every body that its route takes', async () => {
    const answers: string[] = [];
    for (const { door, requestBody } of operations) {
      const json = requestBody?.content['application/json'];
      if (!json || /completions|embeddings/.test(door)) continue;
      const [method, path] = door.split(' ') as [string, string];
      const { status, text } = await gateway.admin(method, path.replace(/\{\w+\}/g, 'x'), json.example);
      answers.push(`${status} ${door}: ${text}`);
    }
    // It may name what is not there, or be there already; it is never wrong in itself.
    expect(answers.filter((answer) => !/^(?:200|201|400|404|409) /.test(answer))).toEqual([]);
    expect(answers.filter((answer) => answer.startsWith('200 ')).length).toBeGreaterThan(15);
  }); // prettier-ignore
});

describe('a client made of the document', () => {
  const folder = resolve(import.meta.dirname, '../client');
  /** Compiled against types that are made here: for the compiler of everything else it is not there. */
  const LIFE = '../client/life.js';
  type Life = (baseUrl: string, masterKey: string, model: string) => Promise<object>;

  it('compiles', async () => {
    const types = await openapiTypescript(structuredClone(document) as never);
    writeFileSync(resolve(folder, 'schema.d.ts'), astToString(types));
    const tsc = resolve(import.meta.dirname, '../../node_modules/typescript/bin/tsc');
    const compile = () => execFileSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8', stdio: 'pipe' });
    expect(compile).not.toThrow();
  }); // prettier-ignore

  it('lives: organization, team, user, key, call, report, and everything deleted', async () => {
    const { life } = (await import(LIFE)) as { life: Life };
    expect(await life(gateway.url, gateway.masterKey, 'm-out')).toEqual({
      refusedModel: 'key_model_access_denied',
      spent: 0.005,
      logged: 1,
      afterwards: 401,
    });
  });
});
