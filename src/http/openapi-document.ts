import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Parameter = NonNullable<Operation['parameters']>[number];

/**
 * Returns the OpenAPI document of all routes. Without a `rootPath` its server is the address that it was loaded from, so that
 * requests go through the same proxy as the document.
 */
export function openApiDocument(app: INestApplication, rootPath = ''): OpenAPIObject {
  const description = new DocumentBuilder()
    .setTitle('Tollgate')
    .setDescription('The gate in front of LLM APIs: who is calling, may they, and what does it cost.')
    .setVersion('0.1.0')
    .addServer(rootPath || '.')
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
      if (parameters)
        operation.parameters = parameters.flatMap((parameter) => parametersOfPath(parameter, path));
      addExample(operation, (document.components?.schemas ?? {}) as Record<string, Schema>);
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

/** Optional fields that reference a row. An example with one would work only if the row existed. */
const REFERENCE_FIELD = /(?:_id|_ids|^key)$/;

/** Adds an example of the body that can be sent unchanged, without optional fields that reference a row. */
function addExample({ requestBody }: Operation, schemas: Readonly<Record<string, Schema>>): void {
  const json = requestBody && 'content' in requestBody ? requestBody.content['application/json'] : undefined;
  if (json?.schema) json.example ??= exampleOf(json.schema as Schema, schemas);
}

function exampleOf({ example, $ref, allOf }: Schema, schemas: Readonly<Record<string, Schema>>): unknown {
  const name = ($ref ?? allOf?.[0]?.$ref)?.split('/').at(-1);
  if (example !== undefined || name === undefined) return example;
  const { properties = {}, required = [] } = schemas[name]!;
  return Object.fromEntries(
    Object.entries(properties).flatMap(([field, schema]) => {
      const isIncluded =
        required.includes(field) || (schema.example !== undefined && !REFERENCE_FIELD.test(field));
      const value = isIncluded ? exampleOf(schema, schemas) : undefined;
      return value === undefined ? [] : [[field, value]];
    }),
  );
}

/** Returns a parameter as required if the path has it. A handler of several paths may read `{model}` only from some of them. */
function parametersOfPath(parameter: Parameter, path: string): Parameter[] {
  if (!('in' in parameter) || parameter.in !== 'path') return [parameter];
  return path.includes(`{${parameter.name}}`)
    ? [{ ...parameter, required: true, schema: { type: 'string' } }]
    : [];
}
