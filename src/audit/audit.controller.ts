import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminRoute } from '../http/route-access.js';
import { AuditLogService } from './audit-log.service.js';
import { AuditLog, AuditLogPage, AuditQuery } from './audit.dto.js';

/** Serves the audit log. Never cached: the response must show what was committed. */
@ApiTags('audit')
@AdminRoute()
@Controller('audit')
export class AuditController {
  constructor(private readonly log: AuditLogService) {}

  @Get()
  @ApiOperation({ summary: 'Every row an administrator’s request changed, newest first.' })
  list(@Query() query: AuditQuery): Promise<AuditLogPage> {
    return this.log.list(query);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One entry of the audit log.' })
  info(@Param('id') id: string): Promise<AuditLog> {
    return this.log.info(id);
  }
}
