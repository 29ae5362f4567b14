import { Controller, Get, Query, UseInterceptors } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminRoute, Caller } from '../http/doors.js';
import { PageQuery } from '../http/page.js';
import type { Authority } from '../policy/authority.js';
import { LiveFiguresInterceptor } from '../spend/live-figures.interceptor.js';
import { KeyLists } from './key-lists.js';
import { KeyRow } from './keys.dto.js';

/** Keys by what they spent. Never cached: their order is the spend. */
@ApiTags('spend')
@AdminRoute()
@UseInterceptors(LiveFiguresInterceptor)
@Controller('spend/keys')
export class SpendKeysController {
  constructor(private readonly lists: KeyLists) {}

  @Get()
  @ApiOperation({ summary: 'The keys that concern the caller, dearest first.' })
  list(@Query() query: PageQuery, @Caller() caller: Authority): Promise<KeyRow[]> {
    return this.lists.dearest(query, caller);
  }
}
