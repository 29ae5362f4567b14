import { cacheKey } from '../cache/changes.js';
import type { PartyShape } from '../parties/party-table.js';
import { Organization } from './organization.entity.js';

/** How organizations are stored: for themselves and for their members. */
export const organizationShape: PartyShape<Organization> = {
  entity: Organization,
  kind: 'organization',
  where: (organizationId) => ({ organizationId }),
  idOf: ({ organizationId }) => organizationId,
  cacheKey: cacheKey.organization,
  title: 'Organization',
  param: 'organization_id',
};
