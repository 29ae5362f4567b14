import type { DataSource } from 'typeorm';

/** Lines the migrations that just ran have for a person: what they could not keep as it was. */
export const migrationMessages = ({ migrations }: DataSource): readonly string[] =>
  migrations.flatMap((migration) => (migration as { told?: readonly string[] }).told ?? []);
