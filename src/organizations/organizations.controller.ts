import { Body, Controller, Delete, Get, HttpCode, Patch, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { CurrentPrincipal } from '../http/route-access.js';
import type { Principal } from '../policy/principal.js';
import {
  AddedOrganizationMembers,
  AddOrganizationMembersDto,
  OrganizationMemberNameDto,
  OrganizationMemberRow,
  UpdateOrganizationMemberDto,
} from './organization-members.dto.js';
import { OrganizationMembersService } from './organization-members.service.js';
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
  constructor(
    private readonly organizations: OrganizationsService,
    private readonly members: OrganizationMembersService,
  ) {}

  @Post('new')
  @HttpCode(200)
  @ApiOperation({ summary: 'Make an organization.' })
  create(@Body() dto: NewOrganizationDto, @CurrentPrincipal() caller: Principal): Promise<OrganizationRow> {
    return this.organizations.create(dto, caller);
  }

  @Patch('update')
  @ApiOperation({
    summary: 'Change an organization. Absent keeps, null clears; `blocked` stops all its keys at once.',
  })
  update(
    @Body() dto: UpdateOrganizationDto,
    @CurrentPrincipal() caller: Principal,
  ): Promise<OrganizationRow> {
    return this.organizations.update(dto, caller);
  }

  @Get('info')
  @ApiOperation({ summary: 'An organization with its teams.' })
  info(
    @Query() { organization_id }: OrganizationIdQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<OrganizationRow> {
    return this.organizations.info(organization_id, caller);
  }

  @Get('list')
  @ApiOperation({ summary: 'The caller’s organizations, oldest first.' })
  list(
    @Query() query: OrganizationListQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<OrganizationRow[]> {
    return this.organizations.list(query, caller);
  }

  @Delete('delete')
  @ApiOperation({ summary: 'Delete organizations with their teams and keys.' })
  delete(
    @Body() { organization_ids }: DeleteOrganizationsDto,
    @CurrentPrincipal() caller: Principal,
  ): Promise<OrganizationRow[]> {
    return this.organizations.delete(organization_ids, caller);
  }

  @Post('member_add')
  @HttpCode(200)
  @ApiOperation({ summary: 'Add users to an organization, or change their role.' })
  addMembers(
    @Body() dto: AddOrganizationMembersDto,
    @CurrentPrincipal() caller: Principal,
  ): Promise<AddedOrganizationMembers> {
    return this.members.add(dto, caller);
  }

  @Patch('member_update')
  @ApiOperation({ summary: 'Change what a member of an organization may do.' })
  updateMember(
    @Body() dto: UpdateOrganizationMemberDto,
    @CurrentPrincipal() caller: Principal,
  ): Promise<OrganizationMemberRow> {
    return this.members.update(dto, caller);
  }

  @Delete('member_delete')
  @ApiOperation({ summary: 'Take a user out of an organization.' })
  deleteMember(
    @Body() dto: OrganizationMemberNameDto,
    @CurrentPrincipal() caller: Principal,
  ): Promise<OrganizationMemberRow> {
    return this.members.remove(dto, caller);
  }
}
