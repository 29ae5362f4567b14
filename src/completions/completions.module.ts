import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { HealthModule } from '../health/health.module.js';
import { ModelsModule } from '../models/models.module.js';
import { CalculateController } from './calculate.controller.js';
import { CostEstimateController } from './cost-estimate.controller.js';
import { CallableModels } from './callable-models.js';
import { CompletionsController } from './completions.controller.js';
import { CompletionsService } from './completions.service.js';
import { MediaController } from './media.controller.js';
import { MessagesController } from './messages.controller.js';
import { ModelInfoController } from './model-info.controller.js';
import { ModelListController } from './model-list.controller.js';
import { NativeController } from './native.controller.js';
import { GracefulShutdown } from './graceful-shutdown.js';
import { EventLoop } from './event-loop.js';
import { FallbackLoop } from './fallback-loop.js';
import { HoldService } from './hold.service.js';
import { LoadShedder } from './load-shedder.js';
import { StreamUsageOptions } from './stream-usage-options.js';
import { FallbackPlan } from './fallback-plan.js';
import { UpstreamCallRunner } from './upstream/upstream-call-runner.js';
import { Upstreams } from './upstream/upstreams.js';

/** The model routes: each call is guarded, held, forwarded and settled. */
@Module({
  imports: [AccessModule, LedgerModule, RateLimitsModule, MetricsModule, ModelsModule, HealthModule],
  controllers: [
    CompletionsController,
    MessagesController,
    NativeController,
    MediaController,
    ModelListController,
    ModelInfoController,
    CalculateController,
    CostEstimateController,
  ],
  providers: [
    CallableModels,
    CompletionsService,
    FallbackLoop,
    HoldService,
    UpstreamCallRunner,
    StreamUsageOptions,
    GracefulShutdown,
    EventLoop,
    LoadShedder,
    FallbackPlan,
    Upstreams,
  ],
})
export class CompletionsModule {}
