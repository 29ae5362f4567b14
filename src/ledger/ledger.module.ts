import { type FactoryProvider, Module, type Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { CacheModule } from '../cache/cache.module.js';
import { CONFIG, type Config } from '../config/config.js';
import { InstallationModule } from '../installation/installation.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { Accounts } from './accounts.js';
import { SqliteAccounts } from './sqlite/sqlite-accounts.js';
import { SqliteSpend } from './sqlite/sqlite-spend.js';
import { Ledger } from './sqlite/ledger.js';
import { Reservations } from './sqlite/reservations.js';
import { TouchedAccounts } from './touched-accounts.js';
import { LedgerConnection } from './postgres/ledger-connection.js';
import { LedgerStatements } from './postgres/ledger-statements.js';
import { Replicas } from './postgres/replicas.js';
import { PostgresAccounts } from './postgres/postgres-accounts.js';
import { PostgresSpend } from './postgres/postgres-spend.js';
import { SpendService } from './spend.service.js';

/** Returns a provider of the class that `choose` picks for the configured database, or of null if it picks none. */
const chosenBy = (
  provide: FactoryProvider['provide'],
  choose: (config: Config) => Type | undefined,
): FactoryProvider => ({
  provide,
  inject: [CONFIG, ModuleRef],
  useFactory: (config: Config, module: ModuleRef) => {
    const type = choose(config);
    return type ? module.create(type) : null;
  },
});

const onSqlite = (type: Type) => chosenBy(type, ({ databaseUrl }) => (databaseUrl ? undefined : type));
const onPostgres = (type: Type) => chosenBy(type, ({ databaseUrl }) => (databaseUrl ? type : undefined));

/** Moves money: in memory for one process on SQLite, in rows for any number of replicas on PostgreSQL. */
@Module({
  imports: [CacheModule, InstallationModule, MetricsModule],
  providers: [
    ...[Ledger, Reservations].map(onSqlite),
    ...[LedgerConnection, LedgerStatements, Replicas].map(onPostgres),
    chosenBy(Accounts, ({ databaseUrl }) => (databaseUrl ? PostgresAccounts : SqliteAccounts)),
    chosenBy(SpendService, ({ databaseUrl }) => (databaseUrl ? PostgresSpend : SqliteSpend)),
    TouchedAccounts,
  ],
  exports: [Accounts, SpendService, TouchedAccounts],
})
export class LedgerModule {}
