import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { PublicRoute } from '../http/route-access.js';
import { Greeting } from './health.dto.js';

/** Responds to clients that ask whether the address is a server at all. Claude Code sends `HEAD` to both paths. */
@ApiTags('health')
@PublicRoute()
@Controller()
export class HelloController {
  @Get(['/', 'api/hello'])
  @ApiOperation({ summary: 'Responds, without a credential.' })
  hello(): Greeting {
    return { message: 'This is Tollgate. All routes: /docs' };
  }
}
