import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Parameter = NonNullable<Operation['parameters']>[number];

/** The OpenAPI document of everything that is served. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const description = new DocumentBuilder()
    .setTitle('Tollgate')
    .setDescription('The gate in front of LLM APIs: who is calling, may they, and what does it cost.')
    .setVersion('0.1.0')
    .addBearerAuth({
      type: 'http',
      scheme: 'bearer',
      description: 'The master key, a virtual key (`sk-…`) or a JWT of a configured issuer.',
    })
    .build();
  const document = SwaggerModule.createDocument(app, description);
  for (const [path, { parameters: _, ...operations }] of Object.entries(document.paths)) {
    for (const operation of Object.values(operations) as Operation[]) {
      const { parameters } = operation;
      if (parameters) operation.parameters = parameters.flatMap((parameter) => placed(parameter, path));
      exemplify(operation, (document.components?.schemas ?? {}) as Record<string, Schema>);
    }
  }
  return document;
}

interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly example?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

/** Optional fields that name a row: in an example they would need it to be there. */
const NAMES_A_ROW = /(?:_id|_ids|^key)$/;

/** An example of each body that can be sent as it stands: without the optional fields that name something else. */
function exemplify({ requestBody }: Operation, schemas: Readonly<Record<string, Schema>>): void {
  const json = requestBody && 'content' in requestBody ? requestBody.content['application/json'] : undefined;
  if (json?.schema) json.example ??= exampleOf(json.schema as Schema, schemas);
}

function exampleOf({ example, $ref, allOf }: Schema, schemas: Readonly<Record<string, Schema>>): unknown {
  const name = ($ref ?? allOf?.[0]?.$ref)?.split('/').at(-1);
  if (example !== undefined || name === undefined) return example;
  const { properties = {}, required = [] } = schemas[name]!;
  return Object.fromEntries(
    Object.entries(properties).flatMap(([field, schema]) => {
      const isWanted = required.includes(field) || (schema.example !== undefined && !NAMES_A_ROW.test(field));
      const value = isWanted ? exampleOf(schema, schemas) : undefined;
      return value === undefined ? [] : [[field, value]];
    }),
  );
}

/** A handler of several paths may read `{model}` from some: each path has the parameters it names, and those are required. */
function placed(parameter: Parameter, path: string): Parameter[] {
  if (!('in' in parameter) || parameter.in !== 'path') return [parameter];
  return path.includes(`{${parameter.name}}`)
    ? [{ ...parameter, required: true, schema: { type: 'string' } }]
    : [];
}
