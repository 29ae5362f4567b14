import { ConflictException } from '@nestjs/common';
import { type FindOptionsWhere, IsNull, QueryFailedError, type Repository } from 'typeorm';
import type { PartyRow } from '../party-row.js';

/** A column in which no two live rows have the same value. A unique index of the database enforces it. */
export interface UniqueColumn<T> {
  readonly property: keyof T & string;
  readonly index: string;
  /** Returns the refusal of a row whose value another live row has. */
  readonly refusal: (row: T) => ConflictException;
}

/** Returns the reason why a row was not inserted: the unique column whose value another live row has. */
export async function conflictOf<T extends PartyRow>(
  rows: Repository<T>,
  row: T,
  columns: readonly UniqueColumn<T>[] = [],
): Promise<ConflictException> {
  for (const { property, refusal } of columns) {
    const where = { [property]: row[property], deletedAt: IsNull() } as FindOptionsWhere<T>;
    if (row[property] && (await rows.existsBy(where))) return refusal(row);
  }
  return new ConflictException({ message: 'Somebody else took the same name in the same moment.' });
}

/** Returns the refusal of a row that violates one of the columns; undefined if the error has another cause. */
export function violatedRefusal<T extends PartyRow>(
  error: unknown,
  rows: Repository<T>,
  row: T,
  columns: readonly UniqueColumn<T>[] = [],
): ConflictException | undefined {
  const violated = columns.find(({ property, index }) => {
    const column = rows.metadata.columns.find(({ propertyName }) => propertyName === property)!;
    return isUniqueViolation(error, index, column.databaseName);
  });
  return violated?.refusal(row);
}

/** PostgreSQL names the index, SQLite the column. */
const isUniqueViolation = (error: unknown, index: string, column: string) =>
  error instanceof QueryFailedError &&
  ((error as { constraint?: unknown }).constraint === index ||
    (error.message.includes('UNIQUE constraint failed') && error.message.endsWith(`.${column}`)));
