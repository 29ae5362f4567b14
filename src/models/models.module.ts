import { Module } from '@nestjs/common';
import { CacheModule } from '../cache/cache.module.js';
import { CloudsModule } from '../clouds/clouds.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { Catalogue } from './catalogue.service.js';
import { DeploymentHealth } from './deployment-health.js';
import { ModelHealthController } from './model-health.controller.js';
import { ModelsController } from './models.controller.js';
import { ModelsService } from './models.service.js';
import { CostMapRefresh } from './cost-map-refresh.js';
import { PriceRefresh } from './price-refresh.js';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Team } from '../parties/entities/team.entity.js';
import { AccessGroup } from '../parties/entities/access-group.entity.js';
import { StoredDeployment } from './stored-deployment.entity.js';
import { PartiesModule } from '../parties/parties.module.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { AccessGroupRepository } from '../parties/repositories/access-group.repository.js';
import { ServedNames } from './served-names.js';
import { StoredDeploymentRepository } from './stored-deployment.repository.js';
import { CostSettings } from './cost-settings.js';
import { CostSettingsController } from './cost-settings.controller.js';
import { StoredSetting } from './stored-setting.entity.js';
import { StoredSettingRepository } from './stored-setting.repository.js';

/** The catalogue of public names, with their deployments and prices. */
@Module({
  imports: [
    TypeOrmModule.forFeature([Team, AccessGroup, StoredDeployment, StoredSetting]),
    PartiesModule,
    CacheModule,
    CloudsModule,
    LedgerModule,
  ],
  controllers: [CostSettingsController, ModelsController, ModelHealthController],
  providers: [
    TeamRepository,
    AccessGroupRepository,
    StoredDeploymentRepository,
    StoredSettingRepository,
    Catalogue,
    CostSettings,
    DeploymentHealth,
    ServedNames,
    ModelsService,
    PriceRefresh,
    CostMapRefresh,
  ],
  exports: [Catalogue, DeploymentHealth, ModelsService, ServedNames],
})
export class ModelsModule {}
