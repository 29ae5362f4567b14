import type { BillingChain } from './chain.js';
import type { Columns } from './rows-of.js';

export const CHAIN: Columns = {
  id: 'varchar',
  key_hash: 'varchar',
  key_alias: 'varchar',
  user_id: 'varchar',
  team_id: 'varchar',
  organization_id: 'varchar',
  end_user_id: 'varchar',
};

export const chainRow = ({ id, names }: BillingChain) => ({
  id,
  key_hash: names.keyHash,
  key_alias: names.keyAlias,
  user_id: names.userId,
  team_id: names.teamId,
  organization_id: names.organizationId,
  end_user_id: names.endUserId,
});

export const POSTING: Columns = { chain_id: 'varchar', account_id: 'varchar' };

export const postingRows = ({ id, accounts }: BillingChain) =>
  accounts.map((account) => ({ chain_id: id, account_id: account.id }));
