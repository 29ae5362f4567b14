import { Module } from '@nestjs/common';
import { KeyGrants } from './key-grants.js';
import { KeyLists } from './key-lists.js';
import { KeysController } from './keys.controller.js';
import { KeysService } from './keys.service.js';

@Module({
  controllers: [KeysController],
  providers: [KeysService, KeyLists, KeyGrants],
  exports: [KeysService],
})
export class KeysModule {}
