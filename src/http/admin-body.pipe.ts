import {
  type ArgumentMetadata,
  BadRequestException,
  Injectable,
  UnprocessableEntityException,
  ValidationPipe,
} from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { JsonProblem, scanJsonObject } from './json-scanner.js';
import { unreadFields } from './unread-fields.js';

const NOTHING_WATCHED = { names: new Set<string>(), below: new Map(), free: new Set<string>() };

/**
 * Reads and validates the body and query of admin routes. It stands behind the guards: a stranger learns nothing of
 * what a route takes. Model routes take no DTO and never come here.
 */
@Injectable()
export class AdminBodyPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      transformOptions: { exposeUnsetFields: false },
      exceptionFactory: (errors) => new UnprocessableEntityException(fieldsOf(errors)),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type !== 'body') return super.transform(value, metadata) as Promise<unknown>;
    const body = bodyOf(value);
    const unread = unreadFields(body, metadata.metatype!);
    if (unread.length) ignored.set(value as object, unread);
    return super.transform(body, metadata) as Promise<unknown>;
  }
}

const ignored = new WeakMap<object, readonly string[]>();

/** The fields of a request's body that nobody read, for the `x-tollgate-ignored` header; undefined when all were. */
export const ignoredFields = (body: unknown): readonly string[] | undefined =>
  typeof body === 'object' && body !== null ? ignored.get(body) : undefined;

function bodyOf(value: unknown): object {
  if (!Buffer.isBuffer(value) || !value.length) return {};
  try {
    scanJsonObject(value, NOTHING_WATCHED);
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error;
    throw new BadRequestException({ message: error.message, param: error.param });
  }
  return JSON.parse(value.toString('utf8')) as object;
}

interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

function fieldsOf(errors: readonly ValidationError[]): { message: string; fields: FieldProblem[] } {
  const fields = errors.flatMap((error) => problems(error, ''));
  return { message: fields.map(({ field, message }) => `${field}: ${message}`).join('; '), fields };
}

function problems({ property, constraints, children }: ValidationError, above: string): FieldProblem[] {
  const field = above ? `${above}.${property}` : property;
  return [
    ...Object.values(constraints ?? {}).map((message) => ({ field, message })),
    ...(children ?? []).flatMap((child) => problems(child, field)),
  ];
}
