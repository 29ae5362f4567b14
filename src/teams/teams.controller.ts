import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { CurrentPrincipal } from '../http/route-access.js';
import type { Principal } from '../policy/principal.js';
import {
  AddedTeamMembers,
  AddMembersDto,
  DeletedTeams,
  DeleteTeamsDto,
  MemberOfTeamDto,
  NewTeamDto,
  TeamIdDto,
  TeamInfo,
  TeamListQuery,
  AddTeamModelsDto,
  TeamModelsDto,
  TeamPermissions,
  TeamRow,
  TeamWithKeys,
  UpdatedMember,
  UpdatedTeam,
  UpdateMemberDto,
  UpdatePermissionsDto,
  UpdateTeamDto,
} from './teams.dto.js';
import { TeamLists } from './team-lists.js';
import { TeamMembersService } from './team-members.service.js';
import { TeamsService } from './teams.service.js';

@ApiTags('teams')
@AdminResource()
@Controller('team')
export class TeamsController {
  constructor(
    private readonly teams: TeamsService,
    private readonly lists: TeamLists,
    private readonly members: TeamMembersService,
  ) {}

  @Post('new')
  @HttpCode(200)
  @ApiOperation({ summary: 'Make a team.' })
  create(@Body() dto: NewTeamDto, @CurrentPrincipal() caller: Principal): Promise<TeamRow> {
    return this.teams.create(dto, caller);
  }

  @Post('update')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change a team. Absent keeps, null clears.' })
  update(@Body() dto: UpdateTeamDto, @CurrentPrincipal() caller: Principal): Promise<UpdatedTeam> {
    return this.teams.update(dto, caller);
  }

  @Get('info')
  @ApiOperation({ summary: 'A team with its keys and members.' })
  info(@Query() { team_id }: TeamIdDto, @CurrentPrincipal() caller: Principal): Promise<TeamInfo> {
    return this.teams.info(team_id, caller);
  }

  @Get('list')
  @ApiOperation({ summary: 'The caller’s teams, by name.' })
  list(@Query() query: TeamListQuery, @CurrentPrincipal() caller: Principal): Promise<TeamWithKeys[]> {
    return this.lists.list(query, caller);
  }

  @Get('available')
  @ApiOperation({ summary: 'Teams the caller may join by itself.' })
  available(@CurrentPrincipal() caller: Principal): Promise<TeamRow[]> {
    return this.lists.available(caller);
  }

  @Post('model/add')
  @HttpCode(200)
  @ApiOperation({ summary: 'Let a team call further models.' })
  addModels(@Body() dto: AddTeamModelsDto, @CurrentPrincipal() caller: Principal): Promise<TeamRow> {
    return this.teams.addModels(dto, caller);
  }

  @Post('model/delete')
  @HttpCode(200)
  @ApiOperation({ summary: 'Take models from a team’s list; without the last one it may call nothing.' })
  removeModels(@Body() dto: TeamModelsDto, @CurrentPrincipal() caller: Principal): Promise<TeamRow> {
    return this.teams.removeModels(dto, caller);
  }

  @Post('delete')
  @HttpCode(200)
  @ApiOperation({ summary: 'Delete teams with their members and keys.' })
  delete(@Body() { team_ids }: DeleteTeamsDto, @CurrentPrincipal() caller: Principal): Promise<DeletedTeams> {
    return this.teams.delete(team_ids, caller);
  }

  @Post('block')
  @HttpCode(200)
  @ApiOperation({ summary: 'Stop every key of a team, at once.' })
  block(@Body() { team_id }: TeamIdDto, @CurrentPrincipal() caller: Principal): Promise<TeamRow> {
    return this.teams.setBlocked(team_id, true, caller);
  }

  @Post('unblock')
  @HttpCode(200)
  @ApiOperation({ summary: 'Let a blocked team work again.' })
  unblock(@Body() { team_id }: TeamIdDto, @CurrentPrincipal() caller: Principal): Promise<TeamRow> {
    return this.teams.setBlocked(team_id, false, caller);
  }

  @Post('member_add')
  @HttpCode(200)
  @ApiOperation({ summary: 'Add users to a team.' })
  addMembers(@Body() dto: AddMembersDto, @CurrentPrincipal() caller: Principal): Promise<AddedTeamMembers> {
    return this.members.add(dto, caller);
  }

  @Post('member_update')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change what a member may do and spend.' })
  updateMember(@Body() dto: UpdateMemberDto, @CurrentPrincipal() caller: Principal): Promise<UpdatedMember> {
    return this.members.update(dto, caller);
  }

  @Post('member_delete')
  @HttpCode(200)
  @ApiOperation({ summary: 'Take a user, and its keys in this team, out of a team.' })
  deleteMember(@Body() dto: MemberOfTeamDto, @CurrentPrincipal() caller: Principal): Promise<TeamRow> {
    return this.members.delete(dto, caller);
  }

  @Get('permissions_list')
  @ApiOperation({ summary: 'What members may do with a team’s keys.' })
  permissions(
    @Query() { team_id }: TeamIdDto,
    @CurrentPrincipal() caller: Principal,
  ): Promise<TeamPermissions> {
    return this.teams.permissions(team_id, caller);
  }

  @Post('permissions_update')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change what members may do with a team’s keys.' })
  async updatePermissions(
    @Body() { team_id, team_member_permissions }: UpdatePermissionsDto,
    @CurrentPrincipal() caller: Principal,
  ): Promise<TeamRow> {
    const dto = { team_id, ...(team_member_permissions !== null && { team_member_permissions }) };
    return (await this.teams.update(Object.assign(new UpdateTeamDto(), dto), caller)).data;
  }
}
