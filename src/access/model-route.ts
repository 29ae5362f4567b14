import { applyDecorators, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse } from '@nestjs/swagger';
import { setRouteAccess } from '../http/route-access.js';
import { ErrorEnvelope } from '../http/error-envelope.dto.js';
import { AuthChecksGuard } from './auth-checks.guard.js';
import { ModelAccessGuard } from './model-access.guard.js';

/** Marks a route that calls a model. Both guards run before it, in this order. */
export const ModelRoute = () =>
  applyDecorators(
    setRouteAccess('model'),
    UseGuards(AuthChecksGuard, ModelAccessGuard),
    ApiBearerAuth(),
    ...[
      [
        400,
        'The body is not what this route takes, or names no model this gateway serves; for some clients also a used up budget.',
      ],
      [401, 'No credential, or not a valid one.'],
      [403, 'This caller may not call this route or this model.'],
      [413, 'The body is too large.'],
      [429, 'A budget is used up; `details` says which, and whether trying again can help.'],
      [503, 'The database does not answer, or the gateway has too much to do.'],
    ].map(([status, description]) =>
      ApiResponse({ status: status as number, description: description as string, type: ErrorEnvelope }),
    ),
  );
