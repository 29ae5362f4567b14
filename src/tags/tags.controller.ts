import { Body, Controller, Get, HttpCode, Post, Query, UseInterceptors } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminRoute, Caller } from '../http/doors.js';
import type { Authority } from '../policy/authority.js';
import { LiveFiguresInterceptor } from '../spend/live-figures.interceptor.js';
import { ChangedTag, TagDeleted, TagDto, TagListQuery, TagNameDto, TagNamesDto, TagRow } from './tags.dto.js';
import { TagsService } from './tags.service.js';

/** Never cached: the list holds names that calls brought a moment ago. */
@ApiTags('tags')
@AdminRoute()
@UseInterceptors(LiveFiguresInterceptor)
@Controller('tag')
export class TagsController {
  constructor(private readonly tags: TagsService) {}

  @Post('new')
  @HttpCode(200)
  @ApiOperation({ summary: 'Make a tag, to limit the calls that carry it.' })
  @ApiOkResponse({ type: ChangedTag })
  async create(@Body() dto: TagDto, @Caller() { id: by }: Authority): Promise<object> {
    return { message: `Tag ${dto.name} created successfully`, tag: await this.tags.create(dto, by) };
  }

  @Post('update')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change a tag. Absent keeps, null clears.' })
  @ApiOkResponse({ type: ChangedTag })
  async update(@Body() dto: TagDto, @Caller() { id: by }: Authority): Promise<object> {
    return { message: `Tag ${dto.name} updated successfully`, tag: await this.tags.update(dto, by) };
  }

  @Post('info')
  @HttpCode(200)
  @ApiOperation({ summary: 'Tags, by name.' })
  info(@Body() { names }: TagNamesDto): Promise<Record<string, object>> {
    return this.tags.info(names);
  }

  @Get('list')
  @ApiOperation({
    summary:
      'Tags, oldest first; on the last page also those that calls carried (of the last 30 days, or these days).',
    description: 'Who is no proxy admin or viewer sees the names on calls of their own.',
  })
  @ApiOkResponse({ type: [TagRow] })
  list(@Query() query: TagListQuery, @Caller() caller: Authority): Promise<object[]> {
    return this.tags.list(query, caller);
  }

  @Post('delete')
  @HttpCode(200)
  @ApiOperation({ summary: 'Delete a tag: its limits end, its name stays in the ledger.' })
  @ApiOkResponse({ type: TagDeleted })
  async delete(@Body() { name }: TagNameDto, @Caller() { id: by }: Authority): Promise<TagDeleted> {
    await this.tags.delete(name, by);
    return { message: `Tag ${name} deleted successfully` };
  }
}
