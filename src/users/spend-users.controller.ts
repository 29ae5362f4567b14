import { Controller, Get, Query, UseInterceptors } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminRoute, CurrentPrincipal } from '../http/route-access.js';
import type { Principal } from '../policy/principal.js';
import { CurrentSpendInterceptor } from '../admin/current-spend.interceptor.js';
import { SpendUsersQuery } from './users.dto.js';
import { UserRow } from '../parties/user-row.dto.js';
import { UserLists } from './user-lists.js';

/** Users by lifetime spend. Never cached, because their order depends on the current spend. */
@ApiTags('spend')
@AdminRoute()
@UseInterceptors(CurrentSpendInterceptor)
@Controller('spend/users')
export class SpendUsersController {
  constructor(private readonly users: UserLists) {}

  @Get()
  @ApiOperation({ summary: 'The users that concern the caller, dearest first; or this one.' })
  list(@Query() query: SpendUsersQuery, @CurrentPrincipal() caller: Principal): Promise<UserRow[]> {
    return this.users.topSpenders(query, caller);
  }
}
