import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { Caller } from '../http/doors.js';
import type { Authority } from '../policy/authority.js';
import {
  BlockKeyDto,
  DeletedKeys,
  DeleteKeysDto,
  GeneratedKey,
  GenerateKeyDto,
  KeyInfo,
  KeyInfoQuery,
  KeyList,
  KeyListQuery,
  KeyRow,
  UpdatedKey,
  UpdateKeyDto,
} from './keys.dto.js';
import { KeysService } from './keys.service.js';

@ApiTags('keys')
@AdminResource()
@Controller('key')
export class KeysController {
  constructor(private readonly keys: KeysService) {}

  @Post('generate')
  @HttpCode(200)
  @ApiOperation({ summary: 'Issue a virtual key. It is told only here.' })
  @ApiOkResponse({ type: GeneratedKey })
  generate(@Body() dto: GenerateKeyDto, @Caller() caller: Authority): Promise<object> {
    return this.keys.generate(dto, caller);
  }

  @Post('update')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change a key. Absent keeps, null clears.' })
  @ApiOkResponse({ type: UpdatedKey })
  update(@Body() dto: UpdateKeyDto, @Caller() caller: Authority): Promise<object> {
    return this.keys.update(dto, caller);
  }

  @Post('delete')
  @HttpCode(200)
  @ApiOperation({ summary: 'Revoke keys, at once.' })
  async delete(@Body() dto: DeleteKeysDto, @Caller() caller: Authority): Promise<DeletedKeys> {
    return { deleted_keys: await this.keys.delete(dto, caller) };
  }

  @Post('block')
  @HttpCode(200)
  @ApiOperation({ summary: 'Stop a key from working, at once.' })
  @ApiOkResponse({ type: KeyRow })
  block(@Body() { key }: BlockKeyDto, @Caller() caller: Authority): Promise<object> {
    return this.keys.setBlocked(key, true, caller);
  }

  @Post('unblock')
  @HttpCode(200)
  @ApiOperation({ summary: 'Let a blocked key work again.' })
  @ApiOkResponse({ type: KeyRow })
  unblock(@Body() { key }: BlockKeyDto, @Caller() caller: Authority): Promise<object> {
    return this.keys.setBlocked(key, false, caller);
  }

  @Get('info')
  @ApiOperation({ summary: 'A key, its limits and its spend. A key may look up itself.' })
  @ApiOkResponse({ type: KeyInfo })
  info(@Query() { key }: KeyInfoQuery, @Caller() caller: Authority): Promise<object> {
    return this.keys.info(key, caller);
  }

  @Get('list')
  @ApiOperation({ summary: 'The keys that concern the caller, a page at a time.' })
  list(@Query() query: KeyListQuery, @Caller() caller: Authority): Promise<KeyList> {
    return this.keys.list(query, caller);
  }
}
