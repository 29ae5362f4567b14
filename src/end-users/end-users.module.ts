import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PartiesModule } from '../parties/parties.module.js';
import { DelegationModule } from '../delegation/delegation.module.js';
import { EndUser } from '../parties/entities/end-user.entity.js';
import { EndUserRepository } from '../parties/repositories/end-user.repository.js';
import { EndUsersController } from './end-users.controller.js';
import { EndUsersService } from './end-users.service.js';
import { Budget } from '../parties/entities/budget.entity.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';

@Module({
  imports: [TypeOrmModule.forFeature([EndUser, Budget]), PartiesModule, DelegationModule],
  controllers: [EndUsersController],
  providers: [EndUserRepository, BudgetRepository, EndUsersService],
  exports: [EndUsersService],
})
export class EndUsersModule {}
