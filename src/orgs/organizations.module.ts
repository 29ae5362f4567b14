import { Module } from '@nestjs/common';
import { TeamsModule } from '../teams/teams.module.js';
import { OrganizationMembersService } from './organization-members.service.js';
import { OrganizationsController } from './organizations.controller.js';
import { OrganizationsService } from './organizations.service.js';

@Module({
  imports: [TeamsModule],
  controllers: [OrganizationsController],
  providers: [OrganizationsService, OrganizationMembersService],
  exports: [OrganizationsService, OrganizationMembersService],
})
export class OrganizationsModule {}
