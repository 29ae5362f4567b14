import { Module } from '@nestjs/common';
import { DelegationModule } from '../delegation/delegation.module.js';
import { ModelsModule } from '../models/models.module.js';
import { AccessGroupsController } from './access-groups.controller.js';
import { AccessGroupsService } from './access-groups.service.js';
import { LegacyAccessGroupsController } from './legacy-access-groups.controller.js';
import { LegacyAccessGroupsService } from './legacy-access-groups.service.js';

@Module({
  imports: [DelegationModule, ModelsModule],
  controllers: [AccessGroupsController, LegacyAccessGroupsController],
  providers: [AccessGroupsService, LegacyAccessGroupsService],
})
export class AccessGroupsModule {}
