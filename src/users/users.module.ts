import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PartiesModule } from '../parties/parties.module.js';
import { DelegationModule } from '../delegation/delegation.module.js';
import { User } from '../parties/entities/user.entity.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { KeysModule } from '../keys/keys.module.js';
import { TeamsModule } from '../teams/teams.module.js';
import { UserInfoController } from './user-info.controller.js';
import { SpendUsersController } from './spend-users.controller.js';
import { UserLists } from './user-lists.js';
import { UsersController } from './users.controller.js';
import { UsersService } from './users.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([User]), PartiesModule, DelegationModule, KeysModule, TeamsModule],
  controllers: [UsersController, UserInfoController, SpendUsersController],
  providers: [UserRepository, UsersService, UserLists],
  exports: [UsersService],
})
export class UsersModule {}
