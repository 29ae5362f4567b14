import { Module } from '@nestjs/common';
import { DelegationModule } from '../delegation/delegation.module.js';
import { BudgetsController } from './budgets.controller.js';
import { BudgetsService } from './budgets.service.js';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Budget } from '../parties/entities/budget.entity.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';

@Module({
  imports: [TypeOrmModule.forFeature([Budget]), DelegationModule],
  controllers: [BudgetsController],
  providers: [BudgetRepository, BudgetsService],
  exports: [BudgetsService],
})
export class BudgetsModule {}
