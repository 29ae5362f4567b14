import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { Caller } from '../http/doors.js';
import type { Authority } from '../policy/authority.js';
import {
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
  @ApiOkResponse({ type: TeamRow })
  create(@Body() dto: NewTeamDto, @Caller() caller: Authority): Promise<object> {
    return this.teams.create(dto, caller);
  }

  @Post('update')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change a team. Absent keeps, null clears.' })
  @ApiOkResponse({ type: UpdatedTeam })
  update(@Body() dto: UpdateTeamDto, @Caller() caller: Authority): Promise<object> {
    return this.teams.update(dto, caller);
  }

  @Get('info')
  @ApiOperation({ summary: 'A team with its keys and members.' })
  @ApiOkResponse({ type: TeamInfo })
  info(@Query() { team_id }: TeamIdDto, @Caller() caller: Authority): Promise<object> {
    return this.teams.info(team_id, caller);
  }

  @Get('list')
  @ApiOperation({ summary: 'The caller’s teams, by name.' })
  @ApiOkResponse({ type: [TeamRow] })
  list(@Query() query: TeamListQuery, @Caller() caller: Authority): Promise<object[]> {
    return this.lists.list(query, caller);
  }

  @Get('available')
  @ApiOperation({ summary: 'Teams the caller may join by itself.' })
  @ApiOkResponse({ type: [TeamRow] })
  available(@Caller() caller: Authority): Promise<object[]> {
    return this.lists.available(caller);
  }

  @Post('model/add')
  @HttpCode(200)
  @ApiOperation({ summary: 'Let a team call further models.' })
  @ApiOkResponse({ type: TeamRow })
  addModels(@Body() dto: AddTeamModelsDto, @Caller() caller: Authority): Promise<object> {
    return this.teams.addModels(dto, caller);
  }

  @Post('model/delete')
  @HttpCode(200)
  @ApiOperation({ summary: 'Take models from a team’s list; without the last one it may call nothing.' })
  @ApiOkResponse({ type: TeamRow })
  removeModels(@Body() dto: TeamModelsDto, @Caller() caller: Authority): Promise<object> {
    return this.teams.removeModels(dto, caller);
  }

  @Post('delete')
  @HttpCode(200)
  @ApiOperation({ summary: 'Delete teams with their members and keys.' })
  delete(@Body() { team_ids }: DeleteTeamsDto, @Caller() caller: Authority): Promise<DeletedTeams> {
    return this.teams.delete(team_ids, caller);
  }

  @Post('block')
  @HttpCode(200)
  @ApiOperation({ summary: 'Stop every key of a team, at once.' })
  @ApiOkResponse({ type: TeamRow })
  block(@Body() { team_id }: TeamIdDto, @Caller() caller: Authority): Promise<object> {
    return this.teams.setBlocked(team_id, true, caller);
  }

  @Post('unblock')
  @HttpCode(200)
  @ApiOperation({ summary: 'Let a blocked team work again.' })
  @ApiOkResponse({ type: TeamRow })
  unblock(@Body() { team_id }: TeamIdDto, @Caller() caller: Authority): Promise<object> {
    return this.teams.setBlocked(team_id, false, caller);
  }

  @Post('member_add')
  @HttpCode(200)
  @ApiOperation({ summary: 'Add users to a team.' })
  @ApiOkResponse({ type: TeamRow })
  addMembers(@Body() dto: AddMembersDto, @Caller() caller: Authority): Promise<object> {
    return this.members.add(dto, caller);
  }

  @Post('member_update')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change what a member may do and spend.' })
  @ApiOkResponse({ type: UpdatedMember })
  updateMember(@Body() dto: UpdateMemberDto, @Caller() caller: Authority): Promise<object> {
    return this.members.update(dto, caller);
  }

  @Post('member_delete')
  @HttpCode(200)
  @ApiOperation({ summary: 'Take a user, and its keys in this team, out of a team.' })
  @ApiOkResponse({ type: TeamRow })
  deleteMember(@Body() dto: MemberOfTeamDto, @Caller() caller: Authority): Promise<object> {
    return this.members.delete(dto, caller);
  }

  @Get('permissions_list')
  @ApiOperation({ summary: 'What members may do with a team’s keys.' })
  permissions(@Query() { team_id }: TeamIdDto, @Caller() caller: Authority): Promise<TeamPermissions> {
    return this.teams.permissions(team_id, caller);
  }

  @Post('permissions_update')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change what members may do with a team’s keys.' })
  @ApiOkResponse({ type: TeamRow })
  async updatePermissions(@Body() dto: UpdatePermissionsDto, @Caller() caller: Authority): Promise<object> {
    return (await this.teams.update(Object.assign(new UpdateTeamDto(), dto), caller)).data;
  }
}
