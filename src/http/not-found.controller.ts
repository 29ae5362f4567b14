import { All, Controller, NotFoundException, Req } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { CallerRoute } from './route-access.js';

/** Every path no other door is at. A stranger is not told which those are. */
@ApiExcludeController()
@CallerRoute()
@Controller()
export class NotFoundController {
  @All('*')
  nowhere(@Req() { method, raw }: FastifyRequest): never {
    const path = raw.url!.slice(0, 200).split('?')[0];
    throw new NotFoundException({ message: `There is no ${method} ${path} here. All routes: /docs` });
  }
}
