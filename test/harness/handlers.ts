import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';

const src = resolve(import.meta.dirname, '../../src');
const ROUTES = new Set(['Get', 'Post', 'Put', 'Patch', 'Delete', 'All']);

/** A controller's method that responds to a route, as its source declares it. */
export interface Handler {
  /** Controller and method, as in the `operationId` of the OpenAPI document. */
  readonly name: string;
  /** Response classes that its return type names. */
  readonly responses: readonly string[];
  /** Parts of its return type that no schema describes, such as `object`. */
  readonly untyped: readonly string[];
  /** The handler writes the response to the socket itself. It returns nothing, and its type says nothing. */
  readonly writesItself: boolean;
  /** The handler names its response a second time, in a decorator. */
  readonly isStatedTwice: boolean;
}

/** Reads the handlers of every controller in `src`. */
export function handlers(): Handler[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.controller.ts'))
    .flatMap((file) => handlersOf(readFileSync(join(src, file), 'utf8')));
}

function handlersOf(text: string): Handler[] {
  const source = ts.createSourceFile('controller.ts', text, ts.ScriptTarget.Latest, true);
  const dtos = new Set(source.statements.flatMap(dtosImportedBy));
  return source.statements.filter(ts.isClassDeclaration).flatMap((controller) =>
    controller.members.filter(ts.isMethodDeclaration).flatMap((method) => {
      const decorators = (ts.getDecorators(method) ?? []).map((decorator) => decorator.expression.getText());
      if (!decorators.some((decorator) => ROUTES.has(decorator.split('(')[0]!))) return [];
      const { responses, untyped } = partsOf(method.type, dtos);
      return {
        name: `${controller.name!.text}_${method.name.getText()}`,
        responses,
        untyped,
        writesItself: method.parameters.some((parameter) => parameter.getText().startsWith('@Res(')),
        isStatedTwice: decorators.some((decorator) => /^Api(?:Ok|Created)?Response\(\{\s*type\b/.test(decorator)),
      };
    }),
  ); // prettier-ignore
}

const dtosImportedBy = (statement: ts.Statement): string[] => {
  if (!ts.isImportDeclaration(statement) || !statement.moduleSpecifier.getText().endsWith(".dto.js'"))
    return [];
  const bindings = statement.importClause?.namedBindings;
  return bindings && ts.isNamedImports(bindings) ? bindings.elements.map(({ name }) => name.text) : [];
};

const SCALARS = new Set(['string', 'number', 'void', 'never']);
const CONTAINERS = new Set(['Promise', 'Record', 'Array']);

function partsOf(type: ts.TypeNode | undefined, dtos: ReadonlySet<string>) {
  if (!type) return { responses: [], untyped: ['nothing declared'] };
  const leaves: string[] = [];
  const collect = (node: ts.TypeNode): void => {
    if (ts.isArrayTypeNode(node)) collect(node.elementType);
    else if (ts.isParenthesizedTypeNode(node)) collect(node.type);
    else if (ts.isUnionTypeNode(node)) node.types.forEach(collect);
    else if (ts.isTypeReferenceNode(node) && CONTAINERS.has(node.typeName.getText()))
      node.typeArguments?.forEach(collect);
    else leaves.push(node.getText());
  };
  collect(type);
  return {
    responses: leaves.filter((leaf) => dtos.has(leaf)),
    untyped: leaves.filter((leaf) => !dtos.has(leaf) && !SCALARS.has(leaf)),
  };
}
