import type { NewTeamDefaults } from '../config/config.js';
import type { TeamFieldsDto } from './teams.dto.js';

/**
 * Fills what a new team's body leaves open (`default_team_params`). A duration of null stays, as in LiteLLM. A tier brings
 * its own limits, so a team with a tier gets none of these.
 */
export function withTeamDefaults<T extends TeamFieldsDto>(dto: T, defaults: NewTeamDefaults): T {
  const { team_member_permissions: _, budget_duration, ...limits } = defaults;
  if (dto.budget_id) return dto;
  const open = Object.entries(limits).filter(([name]) => (dto[name as keyof T] ?? undefined) === undefined);
  return {
    ...dto,
    ...Object.fromEntries(open),
    ...(budget_duration !== undefined && dto.budget_duration === undefined && { budget_duration }),
  };
}
