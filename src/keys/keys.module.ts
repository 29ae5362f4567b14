import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PartiesModule } from '../parties/parties.module.js';
import { DelegationModule } from '../delegation/delegation.module.js';
import { VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { User } from '../parties/entities/user.entity.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { KeyDelegation } from './key-delegation.js';
import { KeyLists } from './key-lists.js';
import { KeysController } from './keys.controller.js';
import { KeysService } from './keys.service.js';
import { SpendKeysController } from './spend-keys.controller.js';

@Module({
  imports: [TypeOrmModule.forFeature([VirtualKey, User]), PartiesModule, DelegationModule],
  controllers: [KeysController, SpendKeysController],
  providers: [KeyRepository, UserRepository, KeysService, KeyLists, KeyDelegation],
  exports: [KeysService],
})
export class KeysModule {}
