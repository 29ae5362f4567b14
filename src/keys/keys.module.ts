import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PartiesModule } from '../parties/parties.module.js';
import { AdminModule } from '../admin/admin.module.js';
import { VirtualKey } from './virtual-key.entity.js';
import { User } from '../users/user.entity.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { KeyGrants } from './key-grants.js';
import { KeyLists } from './key-lists.js';
import { KeysController } from './keys.controller.js';
import { KeysService } from './keys.service.js';
import { SpendKeysController } from './spend-keys.controller.js';

@Module({
  imports: [TypeOrmModule.forFeature([VirtualKey, User]), PartiesModule, AdminModule],
  controllers: [KeysController, SpendKeysController],
  providers: [KeyRepository, UserRepository, KeysService, KeyLists, KeyGrants],
  exports: [KeysService],
})
export class KeysModule {}
