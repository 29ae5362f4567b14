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
    if (unread.length) ignored.set(value as object, unread.slice(0, MAX_TOLD).map(shortened));
    return super.transform(body, metadata) as Promise<unknown>;
  }
}

/** A header has room for so many names. */
const MAX_TOLD = 20;
const MAX_TOLD_CHARS = 64;

/** Cut between characters, not in the middle of one. */
const shortened = (name: string) => name.slice(0, MAX_TOLD_CHARS).replace(/\p{Cs}$/u, '');

const ignored = new WeakMap<object, readonly string[]>();

/** The first fields of a request's body that nobody read, for the `x-tollgate-ignored` header; undefined when all were. */
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
  const body = JSON.parse(value.toString('utf8')) as object;
  refuseOddTexts(body);
  return body;
}

/** Names that are no data in JavaScript; the validation would drop them without a word. */
const ODD_NAMES = new Set(['__proto__', 'prototype', 'constructor']);

function refuseOddTexts(body: object): void {
  const fields = Object.entries(body)
    .filter(([name, value]) => isOddName(name) || isOdd(value))
    .map(([field]) => ({
      field,
      message:
        'has a text that cannot be kept: with NUL or half a surrogate pair, or a member named like __proto__',
    }));
  if (fields.length) throw new UnprocessableEntityException({ message: fields.map(told).join('; '), fields });
}

/** NUL, which a database ends a text at, and halves of characters, which have no UTF-8. */
const isOddText = (text: string) => text.includes('\0') || !text.isWellFormed();

function isOdd(value: unknown): boolean {
  if (typeof value === 'string') return isOddText(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, inner]) => isOddName(name) || isOdd(inner));
}

const isOddName = (name: string) => ODD_NAMES.has(name) || isOddText(name);

const told = ({ field, message }: FieldProblem) => `${field}: ${message}`;

interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

function fieldsOf(errors: readonly ValidationError[]): { message: string; fields: FieldProblem[] } {
  const fields = errors.flatMap((error) => problems(error, ''));
  return { message: fields.map(told).join('; '), fields };
}

function problems({ property, constraints, children }: ValidationError, above: string): FieldProblem[] {
  const field = above ? `${above}.${property}` : property;
  return [
    ...Object.values(constraints ?? {}).map((message) => ({ field, message })),
    ...(children ?? []).flatMap((child) => problems(child, field)),
  ];
}
