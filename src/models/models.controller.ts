import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { Caller } from '../http/doors.js';
import type { Authority } from '../policy/authority.js';
import {
  DeletedModel,
  DeleteModelDto,
  ModelInfoList,
  ModelInfoQuery,
  ModelRow,
  NewModelDto,
} from './models.dto.js';
import { ModelsService } from './models.service.js';

@ApiTags('models')
@AdminResource()
@Controller()
export class ModelsController {
  constructor(private readonly models: ModelsService) {}

  @Post('model/new')
  @HttpCode(200)
  @ApiOperation({ summary: 'Add a deployment. The next call can use it.' })
  create(@Body() dto: NewModelDto, @Caller() { id: by }: Authority): Promise<ModelRow> {
    return this.models.create(dto, by);
  }

  @Post('model/delete')
  @HttpCode(200)
  @ApiOperation({ summary: 'Remove a deployment that was added.' })
  delete(@Body() { id }: DeleteModelDto): Promise<DeletedModel> {
    return this.models.delete(id);
  }

  @Get(['model/info', 'v1/model/info'])
  @ApiOperation({ summary: 'Every deployment, or one. Nothing secret.' })
  async info(@Query() { litellm_model_id }: ModelInfoQuery): Promise<ModelInfoList> {
    return { data: await this.models.info(litellm_model_id) };
  }
}
