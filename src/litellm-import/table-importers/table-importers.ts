import type { FactoryProvider, Provider } from '@nestjs/common';
import { BudgetImporter } from './budget-importer.js';
import { DeploymentImporter } from './deployment-importer.js';
import { EndUserImporter } from './end-user-importer.js';
import { KeyImporter } from './key-importer.js';
import { OrganizationImporter } from './organization-importer.js';
import { OrganizationMemberImporter } from './organization-member-importer.js';
import type { TableImporter } from './table-importer.js';
import { TagImporter } from './tag-importer.js';
import { TeamImporter } from './team-importer.js';
import { TeamMemberImporter } from './team-member-importer.js';
import { UserImporter } from './user-importer.js';

/** Importers in the order in which the rows need each other. */
const IN_ORDER = [
  BudgetImporter,
  OrganizationImporter,
  UserImporter,
  OrganizationMemberImporter,
  TeamImporter,
  TeamMemberImporter,
  EndUserImporter,
  TagImporter,
  KeyImporter,
  DeploymentImporter,
];

/** Token of the list of all table importers, in that order. */
export const TABLE_IMPORTERS = Symbol('TABLE_IMPORTERS');

const list: FactoryProvider<readonly TableImporter[]> = {
  provide: TABLE_IMPORTERS,
  inject: IN_ORDER,
  useFactory: (...importers: TableImporter[]) => importers,
};

export const tableImporterProviders: Provider[] = [...IN_ORDER, list];
