import { Module } from '@nestjs/common';
import { Catalogue } from './catalogue.service.js';
import { ModelsController } from './models.controller.js';
import { ModelsService } from './models.service.js';
import { PriceRefresh } from './price-refresh.js';

/** The catalogue: which names can be called, through which deployments, at what price. */
@Module({
  controllers: [ModelsController],
  providers: [Catalogue, ModelsService, PriceRefresh],
  exports: [Catalogue, ModelsService],
})
export class ModelsModule {}
