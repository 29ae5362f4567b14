import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PartiesModule } from '../parties/parties.module.js';
import { AdminModule } from '../admin/admin.module.js';
import { SpendModule } from '../spend/spend.module.js';
import { Tag } from './tag.entity.js';
import { TagRepository } from '../parties/repositories/tag.repository.js';
import { TagsController } from './tags.controller.js';
import { TagsService } from './tags.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Tag]), PartiesModule, AdminModule, SpendModule],
  controllers: [TagsController],
  providers: [TagRepository, TagsService],
  exports: [TagsService],
})
export class TagsModule {}
