import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { CurrentPrincipal } from '../http/route-access.js';
import { PageQuery } from '../http/pagination.js';
import type { Principal } from '../policy/principal.js';
import { AccessGroupRow, NewAccessGroupDto, UpdateAccessGroupDto } from './access-groups.dto.js';
import { AccessGroupsService } from './access-groups.service.js';

@ApiTags('access groups')
@AdminResource()
@Controller('v1/access_group')
export class AccessGroupsController {
  constructor(private readonly groups: AccessGroupsService) {}

  @Post()
  @ApiOperation({ summary: 'Make a group of models, and give it to teams and keys.' })
  create(@Body() dto: NewAccessGroupDto, @CurrentPrincipal() { id: by }: Principal): Promise<AccessGroupRow> {
    return this.groups.create(dto, by);
  }

  @Get()
  @ApiOperation({ summary: 'Access groups, oldest first.' })
  list(@Query() page: PageQuery): Promise<AccessGroupRow[]> {
    return this.groups.list(page);
  }

  @Get(':access_group_id')
  @ApiOperation({ summary: 'An access group.' })
  info(@Param('access_group_id') id: string): Promise<AccessGroupRow> {
    return this.groups.info(id);
  }

  @Put(':access_group_id')
  @ApiOperation({ summary: 'Change an access group. Absent keeps, null clears.' })
  update(
    @Param('access_group_id') id: string,
    @Body() dto: UpdateAccessGroupDto,
    @CurrentPrincipal() { id: by }: Principal,
  ): Promise<AccessGroupRow> {
    return this.groups.update(id, dto, by);
  }

  @Delete(':access_group_id')
  @HttpCode(204)
  @ApiNoContentResponse()
  @ApiOperation({ summary: 'Delete an access group. What was limited by it alone may call nothing.' })
  delete(@Param('access_group_id') id: string, @CurrentPrincipal() { id: by }: Principal): Promise<void> {
    return this.groups.delete(id, by);
  }
}
