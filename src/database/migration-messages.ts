import type { DataSource } from 'typeorm';

/** Returns the messages of the migrations that just ran, for the operator: data they could not keep unchanged. */
export const migrationMessages = ({ migrations }: DataSource): readonly string[] =>
  migrations.flatMap((migration) => (migration as { messages?: readonly string[] }).messages ?? []);
