/** The time of day by PostgreSQL's clock, epoch milliseconds. Migrations have their own, and are never edited. */
export const NOW_MS = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;
