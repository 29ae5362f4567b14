import { ApiProperty } from '@nestjs/swagger';
import { FreeNames } from '../http/free-content.js';

/** The whole value of a setting: a mapping by provider. */
@FreeNames()
export class CostSettingDto {}

export class CostSettingValues {
  @ApiProperty({ type: 'object', additionalProperties: true, example: { vertex_ai: 0.05 } })
  values: Readonly<Record<string, unknown>>;
}

export class ChangedCostSetting extends CostSettingValues {
  message: string;
  @ApiProperty({ enum: ['success'] })
  status: string;
}
