import { Controller, Get, Query, UseInterceptors } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminRoute, Caller } from '../http/doors.js';
import type { Authority } from '../policy/authority.js';
import { LiveFiguresInterceptor } from '../spend/live-figures.interceptor.js';
import { SpendUsersQuery, UserRow } from './users.dto.js';
import { UserLists } from './user-lists.js';

/** Users by what they spent. Never cached: their order is the spend. */
@ApiTags('spend')
@AdminRoute()
@UseInterceptors(LiveFiguresInterceptor)
@Controller('spend/users')
export class SpendUsersController {
  constructor(private readonly users: UserLists) {}

  @Get()
  @ApiOperation({ summary: 'The users that concern the caller, dearest first; or this one.' })
  list(@Query() query: SpendUsersQuery, @Caller() caller: Authority): Promise<UserRow[]> {
    return this.users.dearest(query, caller);
  }
}
