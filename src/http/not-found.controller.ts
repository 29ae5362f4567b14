import { All, Controller, NotFoundException, Req } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { CallerRoute } from './route-access.js';

/** Serves 404 for every path without a route. It requires a credential, so that only callers learn which routes exist. */
@ApiExcludeController()
@CallerRoute()
@Controller()
export class NotFoundController {
  @All('*')
  notFound(@Req() { method, raw }: FastifyRequest): never {
    const path = raw.url!.slice(0, 200).split('?')[0];
    throw new NotFoundException({ message: `There is no ${method} ${path} here. All routes: /docs` });
  }
}
