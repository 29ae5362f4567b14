import { Body, Controller, Get, HttpCode, Post, Query, UseInterceptors } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { AdminRoute, CurrentPrincipal } from '../http/route-access.js';
import type { Principal } from '../policy/principal.js';
import { CurrentSpendInterceptor } from '../admin/current-spend.interceptor.js';
import {
  ChangedTag,
  DynamicTag,
  TagDeleted,
  TagDto,
  TagListQuery,
  TagNameDto,
  TagNamesDto,
  TagRow,
} from './tags.dto.js';
import { TagsService } from './tags.service.js';

/** Tags. Never cached, because the list has the names from the latest calls. */
@ApiTags('tags')
@AdminRoute()
@UseInterceptors(CurrentSpendInterceptor)
@Controller('tag')
export class TagsController {
  constructor(private readonly tags: TagsService) {}

  @Post('new')
  @HttpCode(200)
  @ApiOperation({ summary: 'Make a tag, to limit the calls that carry it.' })
  async create(@Body() dto: TagDto, @CurrentPrincipal() { id: by }: Principal): Promise<ChangedTag> {
    return { message: `Tag ${dto.name} created successfully`, tag: await this.tags.create(dto, by) };
  }

  @Post('update')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change a tag. Absent keeps, null clears.' })
  async update(@Body() dto: TagDto, @CurrentPrincipal() { id: by }: Principal): Promise<ChangedTag> {
    return { message: `Tag ${dto.name} updated successfully`, tag: await this.tags.update(dto, by) };
  }

  @Post('info')
  @HttpCode(200)
  @ApiOperation({ summary: 'Tags, by name.' })
  @ApiOkResponse({
    schema: { type: 'object', additionalProperties: { $ref: getSchemaPath(TagRow) } },
  })
  info(@Body() { names }: TagNamesDto): Promise<Record<string, TagRow>> {
    return this.tags.info(names);
  }

  @Get('list')
  @ApiOperation({
    summary:
      'Tags, oldest first; on the last page also those that calls carried (of the last 30 days, or these days).',
    description: 'Who is no proxy admin or viewer sees the names on calls of their own.',
  })
  @ApiExtraModels(DynamicTag)
  @ApiOkResponse({
    schema: {
      type: 'array',
      items: { anyOf: [TagRow, DynamicTag].map((row) => ({ $ref: getSchemaPath(row) })) },
    },
  })
  list(
    @Query() query: TagListQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<(TagRow | DynamicTag)[]> {
    return this.tags.list(query, caller);
  }

  @Post('delete')
  @HttpCode(200)
  @ApiOperation({ summary: 'Delete a tag: its limits end, its name stays in the ledger.' })
  async delete(@Body() { name }: TagNameDto, @CurrentPrincipal() { id: by }: Principal): Promise<TagDeleted> {
    await this.tags.delete(name, by);
    return { message: `Tag ${name} deleted successfully` };
  }
}
