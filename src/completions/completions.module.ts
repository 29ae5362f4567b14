import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.js';
import { LedgerModule } from '../spend/ledger.module.js';
import { LimitsModule } from '../limits/limits.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { ModelsModule } from '../models/models.module.js';
import { CalculateController } from './calculate.controller.js';
import { CompletionsController } from './completions.controller.js';
import { CompletionsService } from './completions.service.js';
import { MediaController } from './media.controller.js';
import { MessagesController } from './messages.controller.js';
import { ModelListController } from './model-list.controller.js';
import { Drain } from './drain.js';
import { EventLoop } from './event-loop.js';
import { FallbackLoop } from './fallback-loop.js';
import { HoldService } from './hold.service.js';
import { Load } from './load.js';
import { StreamUsageOptions } from './stream-usage-options.js';
import { Targets } from './targets.js';
import { UpstreamCallRunner } from './upstream-call-runner.js';
import { Upstreams } from './upstreams.js';

/** The doors for models: guarded, held, forwarded, settled. */
@Module({
  imports: [AccessModule, LedgerModule, LimitsModule, MetricsModule, ModelsModule],
  controllers: [
    CompletionsController,
    MessagesController,
    MediaController,
    ModelListController,
    CalculateController,
  ],
  providers: [
    CompletionsService,
    FallbackLoop,
    HoldService,
    UpstreamCallRunner,
    StreamUsageOptions,
    Drain,
    EventLoop,
    Load,
    Targets,
    Upstreams,
  ],
})
export class CompletionsModule {}
