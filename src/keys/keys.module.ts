import { Module } from '@nestjs/common';
import { KeyGrants } from './key-grants.js';
import { KeyLists } from './key-lists.js';
import { KeysController } from './keys.controller.js';
import { KeysService } from './keys.service.js';
import { SpendKeysController } from './spend-keys.controller.js';

@Module({
  controllers: [KeysController, SpendKeysController],
  providers: [KeysService, KeyLists, KeyGrants],
  exports: [KeysService],
})
export class KeysModule {}
