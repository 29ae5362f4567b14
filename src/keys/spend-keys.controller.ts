import { Controller, Get, Query, UseInterceptors } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminRoute, CurrentPrincipal } from '../http/route-access.js';
import { PageQuery } from '../http/pagination.js';
import type { Principal } from '../policy/principal.js';
import { CurrentSpendInterceptor } from '../admin/current-spend.interceptor.js';
import { KeyLists } from './key-lists.js';
import { KeyRow } from './keys.dto.js';

/** Keys by lifetime spend. Never cached, because their order depends on the current spend. */
@ApiTags('spend')
@AdminRoute()
@UseInterceptors(CurrentSpendInterceptor)
@Controller('spend/keys')
export class SpendKeysController {
  constructor(private readonly lists: KeyLists) {}

  @Get()
  @ApiOperation({ summary: 'The keys that concern the caller, dearest first.' })
  list(@Query() query: PageQuery, @CurrentPrincipal() caller: Principal): Promise<KeyRow[]> {
    return this.lists.topSpenders(query, caller);
  }
}
