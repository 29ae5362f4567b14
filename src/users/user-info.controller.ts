import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { CurrentPrincipal } from '../http/route-access.js';
import type { Principal } from '../policy/principal.js';
import { UserInfoQuery } from './users.dto.js';
import { UserRow } from '../parties/user-row.dto.js';
import { UsersService } from './users.service.js';

@ApiTags('users')
@AdminResource()
@Controller('v2/user')
export class UserInfoController {
  constructor(private readonly users: UsersService) {}

  @Get('info')
  @ApiOperation({ summary: 'A user by itself, without its keys and teams.' })
  info(@Query() { user_id }: UserInfoQuery, @CurrentPrincipal() caller: Principal): Promise<UserRow> {
    return this.users.flatInfo(user_id, caller);
  }
}
