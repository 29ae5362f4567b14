import type { BillingChain } from './billing-chain.js';

export const chainRow = ({ id, names }: BillingChain) => ({
  id,
  key_hash: names.keyHash,
  key_alias: names.keyAlias,
  user_id: names.userId,
  team_id: names.teamId,
  organization_id: names.organizationId,
  end_user_id: names.endUserId,
});

export const postingRows = ({ id, accounts }: BillingChain) =>
  accounts.map((account) => ({ chain_id: id, account_id: account.id }));
