import { accessGroup, unifiedAccessGroup } from './access-group.js';
import { budget, tag } from './budget.js';
import { key, keyBlock } from './key.js';
import { model } from './model.js';
import { organization, organizationMember } from './organization.js';
import type { Resource } from './terraform.js';
import { teamMember, teamMembers } from './team-members.js';
import { team, teamBlock } from './team.js';
import { user } from './user.js';

/**
 * Resources of Terraform's provider for LiteLLM (github.com/ncecere/terraform-provider-litellm, 2.0.1) that the gateway serves.
 * They mirror its client: what it sends, what it reads, and which part becomes state.
 */
export const provider = {
  key,
  key_block: keyBlock,
  team,
  team_block: teamBlock,
  team_member: teamMember,
  team_member_add: teamMembers,
  user,
  organization,
  organization_member: organizationMember,
  budget,
  tag,
  access_group: accessGroup,
  unified_access_group: unifiedAccessGroup,
  model,
} satisfies Record<string, Resource>;
