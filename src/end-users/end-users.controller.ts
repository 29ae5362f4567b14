import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { PageQuery } from '../http/page.js';
import { Caller } from '../http/doors.js';
import type { Authority } from '../policy/authority.js';
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
  @ApiOkResponse({ type: EndUserRow })
  create(@Body() dto: NewEndUserDto, @Caller() { id: by }: Authority): Promise<object> {
    return this.endUsers.create(dto, by);
  }

  @Post('update')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change an end user. Absent keeps, null clears.' })
  @ApiOkResponse({ type: EndUserRow })
  update(@Body() dto: UpdateEndUserDto, @Caller() { id: by }: Authority): Promise<object> {
    return this.endUsers.update(dto, by);
  }

  @Get('info')
  @ApiOperation({ summary: 'An end user.' })
  @ApiOkResponse({ type: EndUserRow })
  info(@Query() { end_user_id }: EndUserInfoQuery): Promise<object> {
    return this.endUsers.info(end_user_id);
  }

  @Get('list')
  @ApiOperation({ summary: 'End users, oldest first.' })
  @ApiOkResponse({ type: [EndUserRow] })
  list(@Query() page: PageQuery): Promise<object[]> {
    return this.endUsers.list(page);
  }

  @Post('delete')
  @HttpCode(200)
  @ApiOperation({ summary: 'Delete end users, all or none.' })
  delete(@Body() { user_ids }: EndUserIdsDto, @Caller() { id: by }: Authority): Promise<DeletedEndUsers> {
    return this.endUsers.delete(user_ids, by);
  }

  @Post('block')
  @HttpCode(200)
  @ApiOperation({ summary: 'Refuse calls on behalf of these end users, at once.' })
  @ApiOkResponse({ type: BlockedEndUsers })
  async block(@Body() { user_ids }: EndUserIdsDto, @Caller() { id: by }: Authority): Promise<object> {
    return { blocked_users: await this.endUsers.block(user_ids, by) };
  }

  @Post('unblock')
  @HttpCode(200)
  @ApiOperation({ summary: 'Let these end users call again.' })
  @ApiOkResponse({ type: BlockedEndUsers })
  async unblock(@Body() { user_ids }: EndUserIdsDto, @Caller() { id: by }: Authority): Promise<object> {
    return { blocked_users: await this.endUsers.unblock(user_ids, by) };
  }
}
