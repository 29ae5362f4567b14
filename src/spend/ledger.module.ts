import { type FactoryProvider, Module, type Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { CacheModule } from '../cache/cache.module.js';
import { CONFIG, type Config } from '../config/config.js';
import { InstallationModule } from '../installation/installation.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { Accounts } from './accounts.js';
import { EmbeddedAccounts } from './embedded/embedded-accounts.js';
import { EmbeddedSpend } from './embedded/embedded-spend.js';
import { Ledger } from './embedded/ledger.js';
import { Reservations } from './embedded/reservations.js';
import { Movements } from './movements.js';
import { PartySpend } from './party-spend.js';
import { MoneyConnection } from './postgres/money-connection.js';
import { MoneyStatements } from './postgres/money-statements.js';
import { Replicas } from './postgres/replicas.js';
import { SharedAccounts } from './postgres/shared-accounts.js';
import { SharedSpend } from './postgres/shared-spend.js';
import { SpendService } from './spend.service.js';

/** Provides what one database needs: the class that the configuration chooses, or null where it chooses none. */
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

/** Moves money: in memory for one process, in the rows of PostgreSQL for any number of replicas. */
@Module({
  imports: [CacheModule, InstallationModule, MetricsModule],
  providers: [
    ...[Ledger, Reservations].map(onSqlite),
    ...[MoneyConnection, MoneyStatements, Replicas].map(onPostgres),
    chosenBy(Accounts, ({ databaseUrl }) => (databaseUrl ? SharedAccounts : EmbeddedAccounts)),
    chosenBy(SpendService, ({ databaseUrl }) => (databaseUrl ? SharedSpend : EmbeddedSpend)),
    Movements,
    PartySpend,
  ],
  exports: [Accounts, SpendService, Movements, PartySpend],
})
export class LedgerModule {}
