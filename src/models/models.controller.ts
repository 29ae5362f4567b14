import {
  Body,
  Controller,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Query,
  UnprocessableEntityException,
} from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { CurrentPrincipal } from '../http/route-access.js';
import type { Principal } from '../policy/principal.js';
import {
  ChangeModelDto,
  DeletedModel,
  DeleteModelDto,
  ModelPage,
  ModelPageQuery,
  ModelRow,
  NewModelDto,
  UpdateModelDto,
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
  create(@Body() dto: NewModelDto, @CurrentPrincipal() { id: by }: Principal): Promise<ModelRow> {
    return this.models.create(dto, by);
  }

  @Patch('model/:model_id/update')
  @ApiOperation({ summary: 'Change a deployment that was added. Absent keeps, null takes a member away.' })
  change(
    @Param('model_id') id: string,
    @Body() dto: ChangeModelDto,
    @CurrentPrincipal() { id: by }: Principal,
  ): Promise<ModelRow> {
    return this.models.update(id, dto, by);
  }

  @Post('model/update')
  @HttpCode(200)
  @ApiOperation({ summary: 'The same, with the deployment named in `model_info.id`.' })
  update(@Body() dto: UpdateModelDto, @CurrentPrincipal() { id: by }: Principal): Promise<ModelRow> {
    const id = dto.model_info?.id;
    if (typeof id !== 'string' || !id) throw unnamed();
    return this.models.update(id, dto, by);
  }

  @Post('model/delete')
  @HttpCode(200)
  @ApiOperation({ summary: 'Remove a deployment that was added.' })
  delete(@Body() { id }: DeleteModelDto, @CurrentPrincipal() { id: by }: Principal): Promise<DeletedModel> {
    return this.models.delete(id, by);
  }

  @Get('v2/model/info')
  @ApiOperation({ summary: 'Deployments, searched, a page at a time. Nothing secret.' })
  page(@Query() query: ModelPageQuery): Promise<ModelPage> {
    return this.models.page(query);
  }
}

function unnamed(): UnprocessableEntityException {
  const message = 'must name the deployment to change';
  return new UnprocessableEntityException({
    message: `model_info.id: ${message}`,
    fields: [{ field: 'model_info.id', message }],
  });
}
