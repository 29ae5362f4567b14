import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PartiesModule } from '../parties/parties.module.js';
import { AdminModule } from '../admin/admin.module.js';
import { Organization } from './organization.entity.js';
import { User } from '../users/user.entity.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { TeamsModule } from '../teams/teams.module.js';
import { OrganizationMembersService } from './organization-members.service.js';
import { OrganizationsController } from './organizations.controller.js';
import { OrganizationsService } from './organizations.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Organization, User]), PartiesModule, AdminModule, TeamsModule],
  controllers: [OrganizationsController],
  providers: [OrganizationRepository, UserRepository, OrganizationsService, OrganizationMembersService],
  exports: [OrganizationsService, OrganizationMembersService],
})
export class OrganizationsModule {}
