import { Module } from '@nestjs/common';
import { KeysModule } from '../keys/keys.module.js';
import { TeamsModule } from '../teams/teams.module.js';
import { UserInfoController } from './user-info.controller.js';
import { SpendUsersController } from './spend-users.controller.js';
import { UserLists } from './user-lists.js';
import { UsersController } from './users.controller.js';
import { UsersService } from './users.service.js';

@Module({
  imports: [KeysModule, TeamsModule],
  controllers: [UsersController, UserInfoController, SpendUsersController],
  providers: [UsersService, UserLists],
  exports: [UsersService],
})
export class UsersModule {}
