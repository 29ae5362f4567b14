import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { Caller } from '../http/doors.js';
import type { Authority } from '../policy/authority.js';
import { UserInfoQuery, UserRow } from './users.dto.js';
import { UsersService } from './users.service.js';

@ApiTags('users')
@AdminResource()
@Controller('v2/user')
export class UserInfoController {
  constructor(private readonly users: UsersService) {}

  @Get('info')
  @ApiOperation({ summary: 'A user by itself, without its keys and teams.' })
  info(@Query() { user_id }: UserInfoQuery, @Caller() caller: Authority): Promise<UserRow> {
    return this.users.flatInfo(user_id, caller);
  }
}
