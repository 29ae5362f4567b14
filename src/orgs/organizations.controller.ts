import { Body, Controller, Delete, Get, HttpCode, Patch, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { Caller } from '../http/doors.js';
import {
  DeleteOrganizationsDto,
  NewOrganizationDto,
  OrganizationIdQuery,
  OrganizationListQuery,
  OrganizationRow,
  UpdateOrganizationDto,
} from './organizations.dto.js';
import { OrganizationsService } from './organizations.service.js';

@ApiTags('organizations')
@AdminResource()
@Controller('organization')
export class OrganizationsController {
  constructor(private readonly organizations: OrganizationsService) {}

  @Post('new')
  @HttpCode(200)
  @ApiOperation({ summary: 'Make an organization.' })
  @ApiOkResponse({ type: OrganizationRow })
  create(@Body() dto: NewOrganizationDto, @Caller() caller: string): Promise<object> {
    return this.organizations.create(dto, caller);
  }

  @Patch('update')
  @ApiOperation({
    summary: 'Change an organization. Absent keeps, null clears; `blocked` stops all its keys at once.',
  })
  @ApiOkResponse({ type: OrganizationRow })
  update(@Body() dto: UpdateOrganizationDto, @Caller() caller: string): Promise<object> {
    return this.organizations.update(dto, caller);
  }

  @Get('info')
  @ApiOperation({ summary: 'An organization with its teams.' })
  @ApiOkResponse({ type: OrganizationRow })
  info(@Query() { organization_id }: OrganizationIdQuery): Promise<object> {
    return this.organizations.info(organization_id);
  }

  @Get('list')
  @ApiOperation({ summary: 'Organizations, oldest first.' })
  @ApiOkResponse({ type: [OrganizationRow] })
  list(@Query() query: OrganizationListQuery): Promise<object[]> {
    return this.organizations.list(query);
  }

  @Delete('delete')
  @ApiOperation({ summary: 'Delete organizations with their teams and keys.' })
  @ApiOkResponse({ type: [OrganizationRow] })
  delete(@Body() { organization_ids }: DeleteOrganizationsDto, @Caller() caller: string): Promise<object[]> {
    return this.organizations.delete(organization_ids, caller);
  }
}
