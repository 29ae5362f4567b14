import {
  Body,
  Controller,
  ForbiddenException,
  HttpCode,
  Post,
  Req,
  UnprocessableEntityException,
} from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { CallerRoute } from '../http/doors.js';
import { kindOf } from '../kinds/kinds.js';
import { type Authority, seesEverything } from '../policy/authority.js';
import { decide } from '../policy/decide.js';
import type { Decision } from '../policy/decision.js';
import { keyHashOf } from '../secrets.js';
import { budgetDetails, detailsOf, rateDetails } from './access-denied.js';
import { EvaluationAnswer, EvaluationDto, EvaluationsAnswer, EvaluationsDto } from './evaluation.dto.js';
import { FactsLoader } from './facts.loader.js';
import { LlmRequestReader } from './llm-request.reader.js';

/** May this key call this model now, and why not? The same decision as a real call, without its effects. */
@ApiTags('access')
@CallerRoute()
@Controller('access/v1')
export class EvaluationController {
  constructor(
    private readonly loader: FactsLoader,
    private readonly reader: LlmRequestReader,
  ) {}

  @Post('evaluation')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Ask whether a call would pass (OpenID AuthZEN).',
    description:
      'A key may ask about itself, an administrator about any key. Nothing is held, counted or logged as a call.',
  })
  evaluate(@Body() question: EvaluationDto, @Req() { caller }: FastifyRequest): Promise<EvaluationAnswer> {
    return this.answer(question, caller!);
  }

  @Post('evaluations')
  @HttpCode(200)
  @ApiOperation({ summary: 'Ask several such questions at once (OpenID AuthZEN).' })
  async evaluateAll(
    @Body() { evaluations, ...shared }: EvaluationsDto,
    @Req() { caller }: FastifyRequest,
  ): Promise<EvaluationsAnswer> {
    const questions = evaluations.map((question) => complete({ ...shared, ...definedOf(question) }));
    return { evaluations: await Promise.all(questions.map((question) => this.answer(question, caller!))) };
  }

  private async answer(
    { subject, resource, context }: EvaluationDto,
    caller: Authority,
  ): Promise<EvaluationAnswer> {
    const hash = keyHashOf(subject.id);
    if (!seesEverything(caller) && caller.keyHash !== hash) {
      throw new ForbiddenException('A key may ask about itself only.');
    }
    const path = context?.route ?? '/v1/chat/completions';
    const bytes = Buffer.from(JSON.stringify({ ...context?.body, model: resource.id }));
    const { facts } = await this.loader.loadByHash(hash, {
      route: { path, method: 'POST', roles: 'any', callsModel: true },
      llm: () => this.reader.readBytes(bytes, { kind: kindOf(path), headers: {}, query: '' }),
    });
    return told(decide(facts));
  }
}

function complete(question: Partial<EvaluationDto>): EvaluationDto {
  const missing = (['subject', 'action', 'resource'] as const).filter((name) => !question[name]);
  if (missing.length) {
    throw new UnprocessableEntityException({
      message: `Each evaluation needs ${missing.join(', ')}, of its own or shared`,
      fields: missing.map((field) => ({ field, message: 'is required' })),
    });
  }
  return question as EvaluationDto;
}

const definedOf = (question: object) =>
  Object.fromEntries(Object.entries(question).filter(([, value]) => value !== undefined));

function told({ allowed, refusal, trace }: Decision): EvaluationAnswer {
  return {
    decision: allowed,
    context: {
      ...(refusal && { reason: refusal.message, code: refusal.code, details: detailsOf(refusal) }),
      trace: trace.map(({ check, enforcer, denials, budgets, rates }) => ({
        check,
        enforced_by: enforcer,
        passed: denials.length === 0,
        ...(denials.length && { objections: denials.map(({ code, message }) => ({ code, message })) }),
        ...(rates && { rates: rates.map((rate) => ({ scope: rate.scope, ...rateDetails(rate) })) }),
        ...(budgets && {
          budgets: budgets.map((budget) => ({ scope: budget.scope, ...budgetDetails(budget) })),
        }),
      })),
    },
  };
}
