import { Module } from '@nestjs/common';
import { AdminModule } from '../admin/admin.module.js';
import { ModelsModule } from '../models/models.module.js';
import { AccessGroupsController } from './access-groups.controller.js';
import { AccessGroupsService } from './access-groups.service.js';
import { ModelGroupsController } from './model-groups.controller.js';
import { ModelGroupsService } from './model-groups.service.js';

@Module({
  imports: [AdminModule, ModelsModule],
  controllers: [AccessGroupsController, ModelGroupsController],
  providers: [AccessGroupsService, ModelGroupsService],
})
export class AccessGroupsModule {}
