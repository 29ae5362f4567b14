import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { Caller } from '../http/doors.js';
import type { Authority } from '../policy/authority.js';
import { BudgetInfoDto, BudgetRow, NewBudgetDto } from './budgets.dto.js';
import { BudgetsService } from './budgets.service.js';

@ApiTags('budgets')
@AdminResource()
@Controller('budget')
export class BudgetsController {
  constructor(private readonly budgets: BudgetsService) {}

  @Post('new')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Make a tier: limits that keys, customers and organizations can share by naming it.',
  })
  create(@Body() dto: NewBudgetDto, @Caller() { id: by }: Authority): Promise<BudgetRow> {
    return this.budgets.create(dto, by);
  }

  @Post('info')
  @HttpCode(200)
  @ApiOperation({ summary: 'The tiers with these ids.' })
  @ApiOkResponse({ type: [BudgetRow] })
  info(@Body() { budgets }: BudgetInfoDto): Promise<BudgetRow[]> {
    return this.budgets.info(budgets);
  }
}
