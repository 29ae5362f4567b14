import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { CurrentPrincipal } from '../http/route-access.js';
import type { Principal } from '../policy/principal.js';
import {
  ChangedModelGroup,
  DeletedModelGroup,
  GroupMembersDto,
  ModelGroupRow,
  ModelGroupRows,
  NewModelGroupDto,
} from './access-groups.dto.js';
import { LegacyAccessGroupsService } from './legacy-access-groups.service.js';

/** The same groups by name, as LiteLLM shows groups of deployments. */
@ApiTags('access groups')
@AdminResource()
@Controller('access_group')
export class LegacyAccessGroupsController {
  constructor(private readonly groups: LegacyAccessGroupsService) {}

  @Post('new')
  @HttpCode(200)
  @ApiOperation({ summary: 'Make a group of models that lists of models can name.' })
  create(
    @Body() dto: NewModelGroupDto,
    @CurrentPrincipal() { id: by }: Principal,
  ): Promise<ChangedModelGroup> {
    return this.groups.create(dto, by);
  }

  @Get('list')
  @ApiOperation({ summary: 'Every group, also those of the configuration file.' })
  async list(): Promise<ModelGroupRows> {
    return { access_groups: await this.groups.list() };
  }

  @Get(':access_group/info')
  @ApiOperation({ summary: 'A group and its models, in the order sent.' })
  info(@Param('access_group') name: string): Promise<ModelGroupRow> {
    return this.groups.info(name);
  }

  @Put(':access_group/update')
  @ApiOperation({ summary: 'Make a group consist of exactly these models.' })
  update(
    @Param('access_group') name: string,
    @Body() dto: GroupMembersDto,
    @CurrentPrincipal() { id: by }: Principal,
  ): Promise<ChangedModelGroup> {
    return this.groups.update(name, dto, by);
  }

  @Delete(':access_group/delete')
  @ApiOperation({ summary: 'Delete a group. Lists that name it only allow nothing.' })
  delete(
    @Param('access_group') name: string,
    @CurrentPrincipal() { id: by }: Principal,
  ): Promise<DeletedModelGroup> {
    return this.groups.delete(name, by);
  }
}
