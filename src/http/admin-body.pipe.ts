import {
  type ArgumentMetadata,
  BadRequestException,
  Injectable,
  UnprocessableEntityException,
  ValidationPipe,
} from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { JsonProblem, scanJsonObject } from './json-scanner.js';

const NOTHING_WATCHED = { names: new Set<string>(), mutedBelow: new Set<string>() };

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
    return super.transform(metadata.type === 'body' ? bodyOf(value) : value, metadata) as Promise<unknown>;
  }
}

function bodyOf(value: unknown): unknown {
  if (value === undefined || value === null) return {};
  if (!Buffer.isBuffer(value)) return value;
  if (!value.length) return {};
  try {
    scanJsonObject(value, NOTHING_WATCHED);
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error;
    throw new BadRequestException({ message: error.message, param: error.param });
  }
  return JSON.parse(value.toString('utf8'));
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
