/** Part of an OpenAPI schema that the responses of the gateway use. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly nullable?: boolean;
  readonly enum?: readonly unknown[];
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
}

/** Lists how a response differs from its schema: undeclared fields, missing fields, and values of another type. */
export function responseDifferences(
  value: unknown,
  schema: Schema,
  schemas: Readonly<Record<string, Schema>>,
  path = '$',
): string[] {
  const follow = (next: unknown, nextSchema: Schema, nextPath: string) =>
    responseDifferences(next, nextSchema, schemas, nextPath);
  if (schema.$ref) return follow(value, schemas[schema.$ref.split('/').at(-1)!]!, path);
  if (value === null && schema.nullable) return [];
  if (schema.allOf) return schema.allOf.flatMap((part) => follow(value, part, path));
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) {
    const differences = choices.map((choice) => follow(value, choice, path));
    return differences.toSorted((a, b) => a.length - b.length)[0]!;
  }
  if (schema.type === undefined) return [];
  if (typeOf(value) !== schema.type)
    return [`${path} is ${JSON.stringify(value)?.slice(0, 60)}, not ${schema.type}`];
  if (schema.enum && !schema.enum.includes(value)) return [`${path} is ${String(value)}`];
  if (Array.isArray(value))
    return value.flatMap((item, index) => follow(item, schema.items ?? {}, `${path}[${index}]`));
  if (typeof value !== 'object') return [];
  const { properties = {}, required = [], additionalProperties } = schema;
  const missing = required.filter((field) => !(field in (value as object)));
  return [
    ...missing.map((field) => `${path}.${field} is missing`),
    ...Object.entries(value as object).flatMap(([field, member]) => {
      const declared = properties[field] ?? additionalProperties;
      if (declared === true) return [];
      return declared ? follow(member, declared, `${path}.${field}`) : [`${path}.${field} is not declared`];
    }),
  ];
}

const typeOf = (value: unknown) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);
