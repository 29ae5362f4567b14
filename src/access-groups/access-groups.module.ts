import { Module } from '@nestjs/common';
import { DelegationModule } from '../delegation/delegation.module.js';
import { ModelsModule } from '../models/models.module.js';
import { AccessGroupsController } from './access-groups.controller.js';
import { AccessGroupsService } from './access-groups.service.js';
import { LegacyAccessGroupsController } from './legacy-access-groups.controller.js';
import { LegacyAccessGroupsService } from './legacy-access-groups.service.js';
import { TypeOrmModule } from '@nestjs/typeorm';
import { VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { Team } from '../parties/entities/team.entity.js';
import { AccessGroup } from '../parties/entities/access-group.entity.js';
import { StoredDeployment } from '../models/stored-deployment.entity.js';
import { PartiesModule } from '../parties/parties.module.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { AccessGroupRepository } from '../parties/repositories/access-group.repository.js';
import { StoredDeploymentRepository } from '../models/stored-deployment.repository.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([VirtualKey, Team, AccessGroup, StoredDeployment]),
    PartiesModule,
    DelegationModule,
    ModelsModule,
  ],
  controllers: [AccessGroupsController, LegacyAccessGroupsController],
  providers: [
    KeyRepository,
    TeamRepository,
    AccessGroupRepository,
    StoredDeploymentRepository,
    AccessGroupsService,
    LegacyAccessGroupsService,
  ],
})
export class AccessGroupsModule {}
