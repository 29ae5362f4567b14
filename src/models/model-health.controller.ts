import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminRoute } from '../http/route-access.js';
import { Catalogue } from './catalogue.service.js';
import type { Deployment } from './deployment.js';
import { DeploymentHealth } from './deployment-health.js';
import {
  type HealthyEndpoint,
  ModelHealth,
  ModelHealthQuery,
  type UnhealthyEndpoint,
} from './model-health.dto.js';

@ApiTags('health')
@AdminRoute()
@Controller('health')
export class ModelHealthController {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly health: DeploymentHealth,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Deployments by how their last call ended in this process. Nobody is called, nothing is spent.',
  })
  read(@Query() { model, model_id }: ModelHealthQuery): ModelHealth {
    const deployments = this.catalogue
      .current()
      .deployments.filter(({ modelName }) => model === undefined || modelName === model)
      .filter(({ id }) => model_id === undefined || id === model_id);
    const unhealthy = deployments.flatMap((deployment) => this.failed(deployment) ?? []);
    const failed = new Set(unhealthy.map(({ model_id: id }) => id));
    const healthy = deployments.filter(({ id }) => !failed.has(id)).map(endpoint);
    return {
      healthy_endpoints: healthy,
      unhealthy_endpoints: unhealthy,
      healthy_count: healthy.length,
      unhealthy_count: unhealthy.length,
    };
  }

  private failed(deployment: Deployment): UnhealthyEndpoint | undefined {
    const failure = this.health.failureOf(deployment.id);
    return (
      failure && {
        ...endpoint(deployment),
        error: `The last call ended with status ${failure.status}.`,
        failed_at: failure.at.toISOString(),
      }
    );
  }
}

const endpoint = ({ provider, upstreamName, modelName, id }: Deployment): HealthyEndpoint => ({
  model: `${provider}/${upstreamName}`,
  model_name: modelName,
  model_id: id,
});
