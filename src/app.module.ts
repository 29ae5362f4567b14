import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { AlertsModule } from './alerts/alerts.module.js';
import { AUDITED, NOT_AUDITED } from './audited.js';
import { AuditModule } from './audit/audit.module.js';
import { AccessModule } from './access/access.module.js';
import { AccessGroupsModule } from './access-groups/access-groups.module.js';
import { CompletionsModule } from './completions/completions.module.js';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { DatabaseModule } from './database/database.module.js';
import { entities } from './entities.js';
import { HealthModule } from './health/health.module.js';
import { AdminValidationPipe } from './admin/admin-validation.pipe.js';
import { NotFoundController } from './http/not-found.controller.js';
import { ErrorFilter } from './http/error.filter.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { PlatformModule } from './platform/platform.module.js';
import { TracingModule } from './tracing/tracing.module.js';
import { ReportingModule } from './reporting/reporting.module.js';

/** Lists the modules of the application. */
@Module({
  controllers: [NotFoundController],
  providers: [
    { provide: APP_FILTER, useClass: ErrorFilter },
    { provide: APP_PIPE, useClass: AdminValidationPipe },
  ],
})
export class AppModule {
  static for(
    config: Config,
    { modules = [], isCommand = false }: { modules?: readonly Type[]; isCommand?: boolean },
  ): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(config),
        DatabaseModule.connect(entities, { isCommand }),
        PlatformModule,
        MetricsModule,
        ReportingModule,
        AccessModule,
        AccessGroupsModule,
        CompletionsModule,
        HealthModule,
        AlertsModule,
        AuditModule.for({ audited: AUDITED, notAudited: NOT_AUDITED }),
        TracingModule,
        ...modules,
      ],
    };
  }
}
