import { Body, Controller, Get, Patch } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminRoute, CurrentPrincipal } from '../http/route-access.js';
import type { Principal } from '../policy/principal.js';
import { ChangedCostSetting, CostSettingDto, CostSettingValues } from './cost-settings.dto.js';
import { CostSettings } from './cost-settings.js';

const VALUES_OF_DISCOUNTS = {
  schema: { type: 'object', additionalProperties: { type: 'number' }, example: { vertex_ai: 0.05 } },
} as const;
const VALUES_OF_MARGINS = {
  schema: { type: 'object', additionalProperties: true, example: { bedrock: { percentage: 0.1 } } },
} as const;

/** Shows and changes the discounts and margins of calls. */
@ApiTags('models')
@AdminRoute()
@Controller('config')
export class CostSettingsController {
  constructor(private readonly settings: CostSettings) {}

  @Get('cost_discount_config')
  @ApiOperation({ summary: 'The discounts in force, by provider or model.' })
  async discounts(): Promise<CostSettingValues> {
    return { values: await this.settings.values('cost_discount_config') };
  }

  @Patch('cost_discount_config')
  @ApiOperation({ summary: 'Replace all discounts, on every replica. The next call has them.' })
  @ApiBody(VALUES_OF_DISCOUNTS)
  async changeDiscounts(
    @Body() body: CostSettingDto,
    @CurrentPrincipal() { id: by }: Principal,
  ): Promise<ChangedCostSetting> {
    const values = await this.settings.replace('cost_discount_config', body, by);
    return { message: 'Cost discount configuration updated successfully', status: 'success', values };
  }

  @Get('cost_margin_config')
  @ApiOperation({ summary: 'The margins in force, by provider, and of all others.' })
  async margins(): Promise<CostSettingValues> {
    return { values: await this.settings.values('cost_margin_config') };
  }

  @Patch('cost_margin_config')
  @ApiOperation({ summary: 'Replace all margins, on every replica. The next call has them.' })
  @ApiBody(VALUES_OF_MARGINS)
  async changeMargins(
    @Body() body: CostSettingDto,
    @CurrentPrincipal() { id: by }: Principal,
  ): Promise<ChangedCostSetting> {
    const values = await this.settings.replace('cost_margin_config', body, by);
    return { message: 'Cost margin configuration updated successfully', status: 'success', values };
  }
}
