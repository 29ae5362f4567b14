import { Founding1763900000000 } from './1763900000000-founding.js';
import { OrganizationMembers1764000000000 } from './1764000000000-organization-members.js';

/** In order. A migration is never edited once released. */
export const migrations = [Founding1763900000000, OrganizationMembers1764000000000];
