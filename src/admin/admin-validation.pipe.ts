import {
  type ArgumentMetadata,
  BadRequestException,
  Injectable,
  PayloadTooLargeException,
  type Type,
  ValidationPipe,
} from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { isTooLong, MAX_NAME_BYTES } from '../policy/name.js';
import { isPrintable } from '../policy/printable.js';
import { MAX_LISTED } from '../policy/some-of.js';
import { freeContent, onlyLooksUp } from '../http/free-content.js';
import { type InvalidField, invalidFields, shortened } from '../http/invalid-fields.js';
import { JsonBoundError, type JsonBounds, MalformedBodyError, scanJsonObject } from '../body/json-scanner.js';
import { fieldsWithoutEffect, isDeclared, unknownFields } from '../http/unknown-fields.js';

const NOTHING_WATCHED = { names: new Set<string>(), below: new Map(), free: new Set<string>() };

/** The largest body of an admin route in bytes; a bulk update of 500 rows fits. */
export const MAX_ADMIN_BYTES = 8 * 1024 * 1024;
/** Bounds of a body. Validation takes time that grows with the square of the names of one object, and with all values. */
const BOUNDS: JsonBounds = { names: 1_000, entries: 1_000, values: 50_000, free: freeContent };

/**
 * Reads and validates body, query and path of admin routes. It runs after the guards, so an unauthenticated caller learns
 * nothing of what a route takes. Model routes have no DTO and skip it. It bounds a body before building it.
 */
@Injectable()
export class AdminValidationPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      transformOptions: { exposeUnsetFields: false },
      exceptionFactory: (errors) => invalidFields(errors.flatMap((error) => problems(error, ''))),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type === 'body') return this.body(value, metadata);
    if (metadata.type !== 'custom') refuseOddTexts(metadata.data ? { [metadata.data]: value } : value);
    return super.transform(value, metadata) as Promise<unknown>;
  }

  private async body(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const dto = metadata.metatype!;
    const body = bodyOf(value);
    const unread = unknownFields(body, dto);
    const withoutEffect = [...unread, ...fieldsWithoutEffect(body, dto)];
    if (withoutEffect.length)
      ignored.set(
        value as object,
        withoutEffect.slice(0, MAX_LISTED).map((name) => shortened(name, MAX_NAME_CHARS)),
      );
    for (const name of unread) delete body[name];
    if (!onlyLooksUp(dto)) refuseLongNames(body);
    const sent = (await super.transform(body, metadata)) as object;
    for (const [field, value] of Object.entries(sent)) refuseTyposWithin(value, field);
    return sent;
  }
}

/** Refuses typos of limits in the bodies of one row that a body of many rows contains. */
function refuseTyposWithin(value: unknown, field: string): void {
  if (Array.isArray(value)) value.forEach((one, i) => refuseTyposWithin(one, `${field}.${i}`));
  else if (typeof value === 'object' && value !== null && isDeclared(value.constructor as Type))
    unknownFields(value, value.constructor as Type, `${field}.`);
}

/** The longest list of names that fits a header. */
const MAX_NAME_CHARS = 64;

const ignored = new WeakMap<object, readonly string[]>();

/**
 * Returns the first fields of a request's body without effect, for the `x-tollgate-ignored` header; undefined if all had
 * one.
 */
export const ignoredFields = (body: unknown): readonly string[] | undefined =>
  typeof body === 'object' && body !== null ? ignored.get(body) : undefined;

function bodyOf(value: unknown): Record<string, unknown> {
  if (!Buffer.isBuffer(value) || !value.length) return {};
  try {
    scanJsonObject(value, NOTHING_WATCHED, BOUNDS);
  } catch (error) {
    if (error instanceof JsonBoundError)
      throw invalidFields([{ field: error.param!, message: error.message }]);
    if (!(error instanceof MalformedBodyError)) throw error;
    throw new BadRequestException({ message: error.message, param: error.param });
  }
  if (value.length > MAX_ADMIN_BYTES)
    throw new PayloadTooLargeException({
      message: `The body of an administrator's request has at most ${MAX_ADMIN_BYTES} bytes.`,
    });
  const body = JSON.parse(value.toString('utf8')) as Record<string, unknown>;
  refuseOddTexts(body);
  return body;
}

/** Names that are no data in JavaScript. Validation would drop them without a word. */
const ODD_NAMES = new Set(['__proto__', 'prototype', 'constructor']);

/** The validation options for bodies, queries and paths. */
function refuseOddTexts(sent: unknown): void {
  const fields = Object.entries(sent as object)
    .filter(([name, value]) => isOddName(name) || isOdd(value))
    .map(([field]) => ({
      field,
      message:
        'has a text that cannot be kept: with NUL or half a surrogate pair, or a member named like __proto__',
    }));
  if (fields.length) throw invalidFields(fields);
}

/** NUL ends a text in a database, and halves of characters have no UTF-8. */
const isOddText = (text: string) => text.includes('\0') || !text.isWellFormed();

function isOdd(value: unknown): boolean {
  if (typeof value === 'string') return isOddText(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, inner]) => isOddName(name) || isOdd(inner));
}

const isOddName = (name: string) => ODD_NAMES.has(name) || isOddText(name);

/** Checks every text of a body as a name, except inside free content. */
function refuseLongNames(body: Record<string, unknown>): void {
  const fields = Object.entries(body).flatMap(([field, value]) => {
    const message = freeContent.has(field) ? undefined : badNameIn(value);
    return message === undefined ? [] : [{ field, message }];
  });
  if (fields.length) throw invalidFields(fields);
}

function badNameIn(value: unknown): string | undefined {
  if (typeof value === 'string') return badName(value);
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    if (freeContent.has(name)) continue;
    const bad = (Array.isArray(value) ? undefined : badName(name)) ?? badNameIn(inner);
    if (bad !== undefined) return bad;
  }
  return undefined;
}

const badName = (text: string) =>
  isTooLong(text)
    ? `has a name of more than ${MAX_NAME_BYTES} bytes`
    : isPrintable(text)
      ? undefined
      : 'has a name with a control character, a line separator or a bidirectional override';

function problems({ property, constraints, children }: ValidationError, above: string): InvalidField[] {
  const field = above ? `${above}.${property}` : property;
  return [
    ...Object.values(constraints ?? {}).map((message) => ({ field, message })),
    ...(children ?? []).flatMap((child) => problems(child, field)),
  ];
}
