import { validate } from '@readme/openapi-parser';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import openapiTypescript, { astToString } from 'openapi-typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALL_FIELDS } from '../../src/parties/fields/all-fields.js';
import type { Fields } from '../../src/parties/fields/field.js';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { responseDifferences, type Schema } from '../harness/response-differences.js';
import { Upstream } from '../harness/upstream.js';
import { handlers } from '../harness/handlers.js';

/** Proves that `/openapi.json` is a valid document, and that clients can be generated from it. */

interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly required?: boolean;
  readonly example?: unknown;
  readonly schema?: { readonly example?: unknown };
}

interface Operation {
  readonly door: string;
  readonly operationId: string;
  readonly summary?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Record<string, { readonly example?: object }> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }>
  >;
}

/** Returns the handler of an operation. A handler with several paths numbers its operation ids. */
const handlerName = (operationId: string) => operationId.replace(/\[\d+\]$/, '');

/** Requests that make the rows that the examples name. Each has the resource whose fields its body has. */
const MAKES: readonly (readonly [route: string, resource: keyof typeof ALL_FIELDS, body: object])[] = [
  ['POST /budget/new', 'tier', { budget_id: 'free-tier' }],
  ['POST /organization/new', 'organization', { organization_id: 'acme' }],
  ['POST /user/new', 'user', { user_id: 'alice', key_alias: 'first', budget_id: 'free-tier' }],
  [
    'POST /organization/member_add',
    'organizationMember',
    { member: { role: 'org_admin', user_id: 'alice' } },
  ],
  [
    'POST /team/new',
    'team',
    {
      team_id: 'team-1',
      organization_id: 'acme',
      model_aliases: { fast: 'm-out' },
      team_member_key_duration: '30d',
    },
  ],
  ['POST /team/member_add', 'member', { budget_duration: '30d' }],
  ['POST /team/member_update', 'member', { user_id: 'alice' }],
  ['PATCH /organization/member_update', 'organizationMember', { user_id: 'alice' }],
  ['POST /customer/new', 'endUser', { user_id: 'customer-42', budget_id: 'free-tier' }],
  ['POST /tag/new', 'tag', { name: 'batch', budget_id: 'free-tier' }],
  [
    'POST /key/generate',
    'key',
    { key: 'sk-1234567890abcdef', user_id: 'alice', team_id: 'team-1', models: [] },
  ],
];

const VALUES: Readonly<Record<string, unknown>> = {
  mapping: {}, list: [], tags: ['t'], text: 'x', flag: false, number: 1, usd: 1, rate: 1, duration: '30d', instant: '2126-01-01T00:00:00Z',
}; // prettier-ignore

/** Fields that are stored as sent if empty, and refused otherwise, because they would limit. */
const REFUSED = new Set(['agent_id', 'project_id']);

/** Returns a value for each field that is stored in the `extra` column. */
const extraFields = (fields: Fields) =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, { column, type }]) => (column === 'extra' && !REFUSED.has(name) ? [[name, VALUES[type]]] : [])),
  ); // prettier-ignore

let upstream: Upstream;
let gateway: Gateway;
let document: {
  paths: Record<string, Record<string, Omit<Operation, 'door'>>>;
  components: { schemas: Record<string, Schema> };
};
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

/** Tells whether the schema of a route's body says that a list has at least one entry. */
function declaresEntry(entry: string): boolean {
  const [method, path, name] = entry.split(' ') as [string, string, string];
  const content = document.paths[path]![method.toLowerCase()]!.requestBody!.content['application/json'] as unknown as { schema: Schema };
  const { properties = {} } = document.components.schemas[content.schema.$ref!.split('/').at(-1)!]!;
  return ((properties[name] as { minItems?: number }).minItems ?? 0) > 0;
} // prettier-ignore

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
      if (!/^GET \/(?:health\/|api\/hello$|$)/.test(door)) expect(responses, door).toHaveProperty('401');
    }
  }); // prettier-ignore

  it('says of a list that its route refuses if it is empty that it has an entry', async () => {
    const listsIn = ({ requestBody }: Operation) => {
      const { schema } = (requestBody?.content['application/json'] ?? {}) as { schema?: Schema };
      const { properties = {} } = schema?.$ref ? document.components.schemas[schema.$ref.split('/').at(-1)!]! : {};
      return Object.entries(properties).filter(([, { type }]) => type === 'array').map(([name]) => name);
    };
    const refused: string[] = [];
    for (const operation of operations.filter(({ door }) => !/\{/.test(door)))
      for (const name of listsIn(operation)) {
        const [method, path] = operation.door.split(' ') as [string, string];
        const { status, body } = await gateway.admin(method, path, { [name]: [] });
        const messages = ((body?.error?.details?.fields ?? []) as { field: string; message: string }[]).filter(({ field }) => field === name);
        if (status === 422 && messages.some(({ message }) => message.includes('not be empty'))) refused.push(`${operation.door} ${name}`);
      }
    expect(refused).toContain('POST /team/delete team_ids');
    expect(refused.filter((entry) => !declaresEntry(entry))).toEqual([]);
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

  describe('asked with its own examples', () => {
    interface Sent {
      readonly operation: Operation;
      readonly status: number;
      readonly text: string;
      readonly body: unknown;
    }
    const sent: Sent[] = [];
    const send = async (operation: Operation, query = '', body?: object) => {
      const [method, path] = operation.door.split(' ') as [string, string];
      const { status, text, body: answer } = await gateway.admin(method, path.replace(/\{\w+\}/g, 'x') + query, body);
      sent.push({ operation, status, text, body: answer });
    };
    const isModelRoute = ({ door }: Operation) => /completions|embeddings/.test(door);
    /** Returns the parameters that a route needs, and those that have an example. */
    const queryOf = ({ door, parameters = [] }: Operation) => {
      if (door === 'GET /key/list') return '?return_full_object=true&expand=user';
      if (door === 'GET /key/info') return '?key=sk-1234567890abcdef';
      const exampleOf = ({ example, schema }: Parameter) => example ?? schema?.example;
      const queryParameters = parameters.filter((one) => one.in === 'query' && (one.required || exampleOf(one) !== undefined));
      return `?${queryParameters.map((one) => `${one.name}=${encodeURIComponent(String(exampleOf(one) ?? 'x'))}`).join('&')}`;
    };
    const bodyOf = ({ requestBody }: Operation) => requestBody?.content['application/json'];
    const statuses: number[] = [];
    beforeAll(async () => {
      const operationOf = (route: string) => operations.find(({ door }) => door === route)!;
      for (const [route, resource, body] of MAKES) {
        const fields = { ...(bodyOf(operationOf(route))!.example as object), ...extraFields(ALL_FIELDS[resource]), ...body };
        await send(operationOf(route), '', fields);
        statuses.push(sent.at(-1)!.status);
      }
      await gateway.chat('sk-1234567890abcdef', { model: 'm-out', user: 'customer-42', tags: ['batch'] });
      const isDelete = ({ door }: Operation) => /delete/i.test(door);
      const withExample = operations.filter((operation) => bodyOf(operation) && !isModelRoute(operation));
      for (const operation of withExample.filter((one) => !isDelete(one))) await send(operation, '', bodyOf(operation)!.example);
      for (const operation of operations.filter(({ door }) => door.startsWith('GET '))) await send(operation, queryOf(operation));
      for (const operation of withExample.filter(isDelete)) await send(operation, '', bodyOf(operation)!.example);
    }, 120_000);

    it('has an example of every body that its route takes', () => {
      const answers = sent.map(({ operation, status, text }) => `${status} ${operation.door}: ${text}`);
      // The example may name missing rows or existing names, but it is always well-formed.
      expect(answers.filter((answer) => !/^(?:200|201|400|404|409) /.test(answer))).toEqual([]);
      expect(answers.filter((answer) => answer.startsWith('200 ')).length).toBeGreaterThan(15);
    });

    it('sends what the schemas of its responses declare, and nothing else', () => {
      const differences = sent.filter(({ status }) => status < 300).flatMap(({ operation, body, status }) => {
        const schema = operation.responses[String(status)]?.content?.['application/json']?.schema;
        return schema ? responseDifferences(body, schema, document.components.schemas, operation.door) : [];
      });
      expect([...new Set(differences.map((difference) => difference.replace(/\[\d+\]/g, '[]')))]).toEqual([]);
      expect(statuses).toEqual(MAKES.map(() => 200));
      expect(sent.filter(({ status }) => status === 200).length).toBeGreaterThan(90);
    });
  }); // prettier-ignore
});

describe('a client made of the document', () => {
  const folder = resolve(import.meta.dirname, '../client');
  /** Module that is compiled against generated types, so the main compilation leaves it out. */
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
