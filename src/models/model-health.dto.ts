import { ApiProperty } from '@nestjs/swagger';
import { IsOptional, IsString } from 'class-validator';

export class ModelHealthQuery {
  /** Only deployments of this public name. */
  @IsOptional()
  @IsString()
  model?: string;

  /** Only the deployment of this `model_info.id`. */
  @IsOptional()
  @IsString()
  model_id?: string;
}

export class HealthyEndpoint {
  /** `<provider>/<name>`, as configured. */
  @ApiProperty({ example: 'openai/gpt-4o-mini' })
  model: string;
  model_name: string;
  model_id: string;
}

export class UnhealthyEndpoint extends HealthyEndpoint {
  /** Never what the upstream said: that may be a client's own words. */
  @ApiProperty({ example: 'The last call ended with status 502.' })
  error: string;

  failed_at: string;
}

export class ModelHealth {
  healthy_endpoints: HealthyEndpoint[];
  unhealthy_endpoints: UnhealthyEndpoint[];
  healthy_count: number;
  unhealthy_count: number;
}
