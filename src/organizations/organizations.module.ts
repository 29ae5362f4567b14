import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PartiesModule } from '../parties/parties.module.js';
import { DelegationModule } from '../delegation/delegation.module.js';
import { Organization } from '../parties/entities/organization.entity.js';
import { User } from '../parties/entities/user.entity.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { TeamsModule } from '../teams/teams.module.js';
import { OrganizationMembersService } from './organization-members.service.js';
import { OrganizationsController } from './organizations.controller.js';
import { OrganizationsService } from './organizations.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Organization, User]), PartiesModule, DelegationModule, TeamsModule],
  controllers: [OrganizationsController],
  providers: [OrganizationRepository, UserRepository, OrganizationsService, OrganizationMembersService],
  exports: [OrganizationsService, OrganizationMembersService],
})
export class OrganizationsModule {}
