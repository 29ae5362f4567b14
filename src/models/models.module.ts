import { Module } from '@nestjs/common';
import { CacheModule } from '../cache/cache.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { Catalogue } from './catalogue.service.js';
import { DeploymentHealth } from './deployment-health.js';
import { ModelHealthController } from './model-health.controller.js';
import { ModelsController } from './models.controller.js';
import { ModelsService } from './models.service.js';
import { PriceRefresh } from './price-refresh.js';

/** The catalogue: which names can be called, through which deployments, at what price. */
@Module({
  imports: [CacheModule, LedgerModule],
  controllers: [ModelsController, ModelHealthController],
  providers: [Catalogue, DeploymentHealth, ModelsService, PriceRefresh],
  exports: [Catalogue, DeploymentHealth, ModelsService],
})
export class ModelsModule {}
