import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PartiesModule } from '../parties/parties.module.js';
import { AdminModule } from '../admin/admin.module.js';
import { EndUser } from './end-user.entity.js';
import { EndUserRepository } from '../parties/repositories/end-user.repository.js';
import { EndUsersController } from './end-users.controller.js';
import { EndUsersService } from './end-users.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([EndUser]), PartiesModule, AdminModule],
  controllers: [EndUsersController],
  providers: [EndUserRepository, EndUsersService],
  exports: [EndUsersService],
})
export class EndUsersModule {}
