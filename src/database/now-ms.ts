/**
 * SQL for PostgreSQL's clock in epoch milliseconds. Migrations have their own copy, because they are never edited.
 */
export const NOW_MS = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;
