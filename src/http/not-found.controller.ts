import { All, Controller, Req } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { CallerRoute } from './route-access.js';
import { noRoute } from './route-methods.js';

/** Serves 404 or 405 where no route is. It requires a credential, so that only callers learn which routes exist. */
@ApiExcludeController()
@CallerRoute()
@Controller()
export class NotFoundController {
  @All('*')
  notFound(@Req() request: FastifyRequest): never {
    throw noRoute(request);
  }
}
