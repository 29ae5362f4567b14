import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { PageQuery } from '../http/pagination.js';
import { CurrentPrincipal } from '../http/route-access.js';
import type { Principal } from '../policy/principal.js';
import {
  BlockedEndUsers,
  DeletedEndUsers,
  EndUserIdsDto,
  EndUserInfoQuery,
  EndUserRow,
  NewEndUserDto,
  UpdateEndUserDto,
} from './end-users.dto.js';
import { EndUsersService } from './end-users.service.js';

@ApiTags('end users')
@AdminResource()
@Controller(['customer', 'end_user'])
export class EndUsersController {
  constructor(private readonly endUsers: EndUsersService) {}

  @Post('new')
  @HttpCode(200)
  @ApiOperation({ summary: 'Make an end user, to limit or block it.' })
  create(@Body() dto: NewEndUserDto, @CurrentPrincipal() { id: by }: Principal): Promise<EndUserRow> {
    return this.endUsers.create(dto, by);
  }

  @Post('update')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change an end user. Absent keeps, null clears.' })
  update(@Body() dto: UpdateEndUserDto, @CurrentPrincipal() { id: by }: Principal): Promise<EndUserRow> {
    return this.endUsers.update(dto, by);
  }

  @Get('info')
  @ApiOperation({ summary: 'An end user.' })
  info(@Query() { end_user_id }: EndUserInfoQuery): Promise<EndUserRow> {
    return this.endUsers.info(end_user_id);
  }

  @Get('list')
  @ApiOperation({ summary: 'End users, oldest first.' })
  list(@Query() page: PageQuery): Promise<EndUserRow[]> {
    return this.endUsers.list(page);
  }

  @Post('delete')
  @HttpCode(200)
  @ApiOperation({ summary: 'Delete end users, all or none.' })
  delete(
    @Body() { user_ids }: EndUserIdsDto,
    @CurrentPrincipal() { id: by }: Principal,
  ): Promise<DeletedEndUsers> {
    return this.endUsers.delete(user_ids, by);
  }

  @Post('block')
  @HttpCode(200)
  @ApiOperation({ summary: 'Refuse calls on behalf of these end users, at once.' })
  async block(
    @Body() { user_ids }: EndUserIdsDto,
    @CurrentPrincipal() { id: by }: Principal,
  ): Promise<BlockedEndUsers> {
    return { blocked_users: await this.endUsers.block(user_ids, by) };
  }

  @Post('unblock')
  @HttpCode(200)
  @ApiOperation({ summary: 'Let these end users call again.' })
  async unblock(
    @Body() { user_ids }: EndUserIdsDto,
    @CurrentPrincipal() { id: by }: Principal,
  ): Promise<BlockedEndUsers> {
    return { blocked_users: await this.endUsers.unblock(user_ids, by) };
  }
}
