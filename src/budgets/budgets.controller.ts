import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { CurrentPrincipal } from '../http/route-access.js';
import { PageQuery } from '../http/pagination.js';
import type { Principal } from '../policy/principal.js';
import {
  BudgetIdQuery,
  BudgetInfoDto,
  BudgetRow,
  BudgetSetting,
  DeleteBudgetDto,
  NewBudgetDto,
  UpdateBudgetDto,
} from './budgets.dto.js';
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
  create(@Body() dto: NewBudgetDto, @CurrentPrincipal() { id: by }: Principal): Promise<BudgetRow> {
    return this.budgets.create(dto, by);
  }

  @Post('update')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change a tier, for everyone who names it. Absent keeps, null clears.' })
  update(@Body() dto: UpdateBudgetDto, @CurrentPrincipal() { id: by }: Principal): Promise<BudgetRow> {
    return this.budgets.update(dto, by);
  }

  @Get('list')
  @ApiOperation({ summary: 'Every tier, oldest first.' })
  list(@Query() page: PageQuery): Promise<BudgetRow[]> {
    return this.budgets.list(page);
  }

  @Get('settings')
  @ApiOperation({ summary: 'The limits of a tier, described one by one.' })
  settings(@Query() { budget_id }: BudgetIdQuery): Promise<BudgetSetting[]> {
    return this.budgets.settings(budget_id);
  }

  @Post('delete')
  @HttpCode(200)
  @ApiOperation({ summary: 'Delete a tier nobody names; the answer is what it was.' })
  delete(@Body() { id }: DeleteBudgetDto): Promise<BudgetRow> {
    return this.budgets.delete(id);
  }

  @Post('info')
  @HttpCode(200)
  @ApiOperation({ summary: 'The tiers with these ids.' })
  info(@Body() { budgets }: BudgetInfoDto): Promise<BudgetRow[]> {
    return this.budgets.info(budgets);
  }
}
