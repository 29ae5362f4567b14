import { Module } from '@nestjs/common';
import { CacheModule } from '../cache/cache.module.js';
import { BudgetsModule } from '../budgets/budgets.module.js';
import { EndUsersModule } from '../end-users/end-users.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { ModelsModule } from '../models/models.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { PartiesModule } from '../parties/parties.module.js';
import { TagsModule } from '../tags/tags.module.js';
import { TeamsModule } from '../teams/teams.module.js';
import { UsersModule } from '../users/users.module.js';
import { Importer } from './importer.js';
import { RowRestorer } from './row-restorer.js';
import { tableImporterProviders } from './table-importers/table-importers.js';

/** Takes over a LiteLLM database. Only the command line brings it in. */
@Module({
  imports: [
    CacheModule,
    PartiesModule,
    BudgetsModule,
    OrganizationsModule,
    UsersModule,
    TeamsModule,
    EndUsersModule,
    TagsModule,
    KeysModule,
    ModelsModule,
  ],
  providers: [Importer, RowRestorer, ...tableImporterProviders],
})
export class LitellmImportModule {}
