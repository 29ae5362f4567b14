import { Column, type ColumnOptions } from 'typeorm';
import { type NanoUsd, nanoUsd } from '../policy/money.js';

const asNanoUsd = {
  to: (amount: NanoUsd | null | undefined) => (amount == null ? amount : amount.toString()),
  from: (amount: string | number | bigint | null) => (amount === null ? null : nanoUsd(BigInt(amount))),
};

/** A column of nano-dollars: `bigint` in code, a 64-bit integer in the database, text in between. */
export const NanoUsdColumn = (options: ColumnOptions = {}) =>
  Column({ ...options, type: 'bigint', transformer: asNanoUsd });

const asJson = {
  to: (value: unknown) => (value == null ? value : JSON.stringify(value)),
  from: (text: string | null) => (text === null ? null : (JSON.parse(text) as unknown)),
};

/** A column of JSON text, the same on every database. */
export const JsonColumn = (options: ColumnOptions = {}) =>
  Column({ ...options, type: 'text', transformer: asJson });

const asInstant = {
  to: (instant: Date | null | undefined) => (instant == null ? instant : instant.getTime()),
  from: (ms: string | number | bigint | null) => (ms === null ? null : new Date(Number(ms))),
};

/** An instant: a `Date` in code, epoch milliseconds in the database, so that no driver shifts it. */
export const InstantColumn = (options: ColumnOptions = {}) =>
  Column({ ...options, type: 'bigint', transformer: asInstant });

const asInteger = {
  to: (value: number | null | undefined) => value,
  from: (value: string | number | bigint | null) => (value === null ? null : Number(value)),
};

/** A column of whole numbers that are exact in JavaScript, in 64 bits. */
export const BigIntegerColumn = (options: ColumnOptions = {}) =>
  Column({ ...options, type: 'bigint', transformer: asInteger });

/** A column of whole numbers that fit 32 bits. */
export const IntegerColumn = (options: ColumnOptions = {}) =>
  Column({ ...options, type: 'integer', transformer: asInteger });
