import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PartiesModule } from '../parties/parties.module.js';
import { DelegationModule } from '../delegation/delegation.module.js';
import { ReportingModule } from '../reporting/reporting.module.js';
import { Tag } from '../parties/entities/tag.entity.js';
import { TagRepository } from '../parties/repositories/tag.repository.js';
import { TagsController } from './tags.controller.js';
import { TagsService } from './tags.service.js';
import { Budget } from '../parties/entities/budget.entity.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';

@Module({
  imports: [TypeOrmModule.forFeature([Tag, Budget]), PartiesModule, DelegationModule, ReportingModule],
  controllers: [TagsController],
  providers: [TagRepository, BudgetRepository, TagsService],
  exports: [TagsService],
})
export class TagsModule {}
