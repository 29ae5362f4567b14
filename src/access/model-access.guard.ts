import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CONFIG, type Config } from '../config/config.js';
import type { Enforcer } from '../policy/decision.js';
import { enforce } from './access-denied.exception.js';

const HERE: readonly Enforcer[] = ['ModelAccessGuard'];

/** Checks whether an admitted request may call its model. Runs after `AuthChecksGuard` and enforces the same decision. */
@Injectable()
export class ModelAccessGuard implements CanActivate {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  canActivate(context: ExecutionContext): boolean {
    const { access } = context.switchToHttp().getRequest<FastifyRequest>();
    if (!access?.llm)
      throw new Error('ModelAccessGuard found no decision: AuthChecksGuard must stand before it.');
    enforce(access, HERE, this.config.general);
    return true;
  }
}
