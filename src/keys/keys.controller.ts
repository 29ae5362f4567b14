import {
  BadRequestException,
  Body,
  Controller,
  Get,
  Header,
  HttpCode,
  Param,
  Post,
  Query,
} from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { CurrentPrincipal } from '../http/route-access.js';
import type { Principal } from '../policy/principal.js';
import { KeyList } from './key-list.dto.js';
import { KeyLists } from './key-lists.js';
import {
  BlockKeyDto,
  BulkKeyUpdate,
  BulkUpdateKeysDto,
  DeletedKeys,
  DeleteKeysDto,
  GeneratedKey,
  GenerateKeyDto,
  KeyAliases,
  KeyAliasesQuery,
  KeyHealth,
  KeyInfo,
  KeyInfoQuery,
  KeyInfos,
  KeyListQuery,
  KeyRow,
  KeysToTellDto,
  RegenerateKeyDto,
  RegenerateKeyQuery,
  ResetSpendDto,
  SpendResetResponse,
  UpdatedKey,
  UpdateKeyDto,
} from './keys.dto.js';
import { KeysService } from './keys.service.js';

@ApiTags('keys')
@AdminResource()
@Controller()
export class KeysController {
  constructor(
    private readonly keys: KeysService,
    private readonly lists: KeyLists,
  ) {}

  @Post('key/generate')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Issue a virtual key. It is told only here.' })
  generate(@Body() dto: GenerateKeyDto, @CurrentPrincipal() caller: Principal): Promise<GeneratedKey> {
    return this.keys.generate(dto, caller);
  }

  @Post('key/service-account/generate')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Issue a key of a team that is nobody’s.' })
  generateServiceAccount(
    @Body() dto: GenerateKeyDto,
    @CurrentPrincipal() caller: Principal,
  ): Promise<GeneratedKey> {
    return this.keys.generateServiceAccount(dto, caller);
  }

  @Post('key/regenerate')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Give a key a new secret. What it spent and its limits stay its own.' })
  regenerateNamed(
    @Body() dto: RegenerateKeyDto,
    @Query() query: RegenerateKeyQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<GeneratedKey> {
    const key = query.key ?? dto.key;
    if (!key) throw new BadRequestException({ message: 'Name the key to regenerate in `key`', param: 'key' });
    return this.keys.regenerate(key, dto, caller);
  }

  @Post('key/:key/regenerate')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'The same, of the key (or hash) in the path.' })
  regenerate(
    @Param('key') key: string,
    @Body() dto: RegenerateKeyDto,
    @CurrentPrincipal() caller: Principal,
  ): Promise<GeneratedKey> {
    return this.keys.regenerate(key, dto, caller);
  }

  @Post('key/:key/reset_spend')
  @HttpCode(200)
  @ApiOperation({ summary: 'Leave so much of what a key has spent, by an adjustment in the ledger.' })
  resetSpend(
    @Param('key') key: string,
    @Body() dto: ResetSpendDto,
    @CurrentPrincipal() caller: Principal,
  ): Promise<SpendResetResponse> {
    return this.keys.resetSpend(key, dto, caller);
  }

  @Post('key/bulk_update')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change up to 500 keys, each for itself.' })
  bulkUpdate(
    @Body() { keys }: BulkUpdateKeysDto,
    @CurrentPrincipal() caller: Principal,
  ): Promise<BulkKeyUpdate> {
    return this.keys.bulkUpdate(keys, caller);
  }

  @Post('key/update')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change a key. Absent keeps, null clears.' })
  update(@Body() dto: UpdateKeyDto, @CurrentPrincipal() caller: Principal): Promise<UpdatedKey> {
    return this.keys.update(dto, caller);
  }

  @Post('key/delete')
  @HttpCode(200)
  @ApiOperation({ summary: 'Revoke keys, at once.' })
  async delete(@Body() dto: DeleteKeysDto, @CurrentPrincipal() caller: Principal): Promise<DeletedKeys> {
    return { deleted_keys: await this.keys.delete(dto, caller) };
  }

  @Post('key/block')
  @HttpCode(200)
  @ApiOperation({ summary: 'Stop a key from working, at once.' })
  block(@Body() { key }: BlockKeyDto, @CurrentPrincipal() caller: Principal): Promise<KeyRow> {
    return this.keys.setBlocked(key, true, caller);
  }

  @Post('key/unblock')
  @HttpCode(200)
  @ApiOperation({ summary: 'Let a blocked key work again.' })
  unblock(@Body() { key }: BlockKeyDto, @CurrentPrincipal() caller: Principal): Promise<KeyRow> {
    return this.keys.setBlocked(key, false, caller);
  }

  @Get('key/info')
  @ApiOperation({ summary: 'A key, its limits and its spend. A key may look up itself.' })
  info(@Query() { key }: KeyInfoQuery, @CurrentPrincipal() caller: Principal): Promise<KeyInfo> {
    return this.keys.info(key, caller);
  }

  @Get('key/list')
  @ApiOperation({ summary: 'The keys that concern the caller, a page at a time.' })
  list(@Query() query: KeyListQuery, @CurrentPrincipal() caller: Principal): Promise<KeyList> {
    return this.lists.list(query, caller);
  }

  @Get('key/aliases')
  @ApiOperation({ summary: 'The aliases of the keys that concern the caller.' })
  aliases(@Query() query: KeyAliasesQuery, @CurrentPrincipal() caller: Principal): Promise<KeyAliases> {
    return this.lists.aliases(query, caller);
  }

  @Post('v2/key/info')
  @HttpCode(200)
  @ApiOperation({ summary: 'Several keys at once; those that are not there are left out.' })
  infos(@Body() { keys }: KeysToTellDto, @CurrentPrincipal() caller: Principal): Promise<KeyInfos> {
    return this.lists.infos(keys, caller);
  }

  @Post('key/health')
  @HttpCode(200)
  @ApiOperation({ summary: 'Does the calling key work? Then this is the answer.' })
  health(): KeyHealth {
    return { key: 'healthy', logging_callbacks: null };
  }
}
