import {
  Body,
  Controller,
  ForbiddenException,
  HttpCode,
  HttpException,
  Inject,
  Post,
  Req,
  UnprocessableEntityException,
} from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { CONFIG, type Config } from '../config/config.js';
import { CallerRoute } from '../http/route-access.js';
import { wireHeader } from '../http/utf8-header.js';
import { callTypeOf } from '../call-types/call-types.js';
import { isNativeRoute, nativeRouteAt } from '../call-types/native-routes.js';
import { type Principal, seesEverything } from '../policy/principal.js';
import { matchedPath } from '../http/matched-path.js';
import { decide } from '../policy/decide.js';
import type { BudgetExceededStatus } from '../policy/budget-exceeded-status.js';
import type { Decision } from '../policy/decision.js';
import type { AccessFacts } from '../policy/facts.js';
import { outputLimitNow } from '../policy/hold-amount.js';
import type { Clamp } from '../ledger/ledger-entry.entity.js';
import { keyHashOf, secretHash } from '../platform/secrets.js';
import { budgetDetails, detailsOf, rateDetails, statusOf } from './access-denied.exception.js';
import { budgetStatusOf } from './budget-status.js';
import {
  EvaluationAnswer,
  EvaluationDto,
  EvaluationsAnswer,
  EvaluationsDto,
  type SubjectDto,
} from './evaluation.dto.js';
import { requestedTeamId } from './credential.js';
import { EvaluationFactsLoader } from './evaluation-facts.loader.js';
import type { AccessRequest } from './access-request.js';
import { RouteGuardCheck } from './route-guard-check.js';
import { END_USER_HEADER, type LlmRequest } from './llm-request.js';
import { LlmRequestReader, pathDecides } from './llm-request.reader.js';

/**
 * Answers whether a subject may call a model now, and why not. The decision is that of a real call, without its effects.
 */
@ApiTags('access')
@CallerRoute()
@Controller('access/v1')
export class EvaluationController {
  constructor(
    private readonly loader: EvaluationFactsLoader,
    private readonly reader: LlmRequestReader,
    private readonly routes: RouteGuardCheck,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post('evaluation')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Ask whether a call would pass (OpenID AuthZEN).',
    description:
      'A caller may ask about itself and its own user, an administrator about anyone. Nothing is held, counted, made or logged as a call.',
  })
  evaluate(@Body() question: EvaluationDto, @Req() request: FastifyRequest): Promise<EvaluationAnswer> {
    return this.answer(question, request);
  }

  @Post('evaluations')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Ask several such questions at once (OpenID AuthZEN).',
    description:
      'What a question leaves out is taken from the whole. One that cannot be asked is a no with an `error`; the others are answered.',
  })
  @ApiExtraModels(EvaluationsAnswer)
  @ApiOkResponse({
    schema: {
      anyOf: [EvaluationsAnswer, EvaluationAnswer].map((answer) => ({ $ref: getSchemaPath(answer) })),
    },
  })
  async evaluateAll(
    @Body() { evaluations, options, ...shared }: EvaluationsDto,
    @Req() request: FastifyRequest,
  ): Promise<EvaluationsAnswer | EvaluationAnswer> {
    if (!evaluations?.length) return this.answer(complete(shared), request);
    const last = { deny_on_first_deny: false, permit_on_first_permit: true, execute_all: undefined }[
      options?.evaluations_semantic ?? 'execute_all'
    ];
    const answers: EvaluationAnswer[] = [];
    for (const question of evaluations) {
      const answer = await this.answerOrError({ ...shared, ...definedOf(question) }, request);
      answers.push(answer);
      if (answer.decision === last) break;
    }
    return { evaluations: answers };
  }

  private async answerOrError(
    question: Partial<EvaluationDto>,
    request: FastifyRequest,
  ): Promise<EvaluationAnswer> {
    try {
      return await this.answer(complete(question), request);
    } catch (error) {
      if (!(error instanceof HttpException) || error.getStatus() >= 500) throw error;
      return { decision: false, context: { error: { status: error.getStatus(), message: error.message } } };
    }
  }

  private async answer(
    { subject: { type, id }, action, resource, context }: EvaluationDto,
    request: FastifyRequest,
  ): Promise<EvaluationAnswer> {
    const hash = type === 'jwt' ? secretHash(id) : keyHashOf(id);
    const keyHash = type === 'key' ? await this.loader.keyHashOf(hash) : undefined;
    if (!seesEverything(request.principal!) && !isItself(request.principal!, type, id, keyHash ?? hash))
      throw new ForbiddenException('A caller may ask about itself and its own user only.');
    const route = this.routeOf(action.name, context?.route);
    const params = { model: resource.id, target: `${resource.id}:generateContent`, ...ANYWHERE };
    const path = matchedPath({ routeOptions: { url: route }, params });
    const native = isNativeRoute(route) ? nativeRouteAt(path) : undefined;
    const bytes = Buffer.from(JSON.stringify({ model: resource.id, ...context?.body }));
    const teamId = requestedTeamId(request);
    const headers = context?.user_agent === undefined ? {} : { 'user-agent': context.user_agent };
    const asked: Omit<AccessRequest, 'presented'> = {
      headers,
      route: {
        path,
        method: 'POST',
        roles: 'any',
        callsModel: true,
      },
      llm: () =>
        this.reader.readBytes(bytes, {
          kind: native?.kind ?? callTypeOf(route),
          ...(native && { native }),
          headers: type === 'end_user' ? { [END_USER_HEADER]: wireHeader(id) } : {},
          query: '',
          pathModel: resource.id,
          pathDecides: native !== undefined || pathDecides(route),
        }),
      ...(teamId !== undefined && { teamId }),
    };
    const { facts, llm } = await (type === 'jwt'
      ? this.loader.ofToken(id, asked)
      : this.loader.ofSubject({ type, id: type === 'key' ? hash : id }, asked));
    const budgetStatus = budgetStatusOf({ facts, request: asked }, this.config.general);
    const decision = decide(facts);
    return answerOf(decision, budgetStatus, decision.allowed ? clampOf(facts, llm) : undefined);
  }

  /** Returns the route that a question names, in Nest's notation. Throws 422 if the route calls no model. */
  private routeOf(action: string, inContext: string | undefined): string {
    const [field, name] = action === 'call' ? ['context.route', inContext] : ['action.name', action];
    const path = (name ?? '/v1/chat/completions').replaceAll(/\{(\w+)\}/g, ':$1');
    if (this.routes.modelPaths.has(path)) return path;
    const message = 'must be a route at which a model is called, as /docs writes it';
    throw new UnprocessableEntityException({
      message: `${field} ${message}`,
      fields: [{ field, message }],
    });
  }
}

/** Parts of Vertex AI's paths that decide nothing here. */
const ANYWHERE = { project: '-', location: '-', publisher: '-' };

const isItself = (
  { keyHash, tokenId, userId }: Principal,
  type: SubjectDto['type'],
  id: string,
  hash: string,
): boolean => {
  if (type === 'key') return keyHash === hash;
  if (type === 'jwt') return tokenId?.startsWith(`${hash}/`) ?? false;
  return type === 'user' && userId === id;
};

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
  Object.fromEntries(Object.entries(question).filter(([, value]) => value !== undefined && value !== null));

/** Returns how the budgets would lower the output limit of a call that passes. */
function clampOf({ parties, request }: AccessFacts, llm: LlmRequest | undefined): Clamp | undefined {
  const demand = request?.model?.demand;
  const budgets = parties.flatMap((party) => party.budgets);
  const sent = demand && budgets.length ? outputLimitNow(budgets, demand) : undefined;
  if (sent === undefined) return undefined;
  const asked = llm?.size.outputTokens ?? Math.floor(demand!.tokens.outputTokens / demand!.answers);
  return sent < asked ? { asked, sent } : undefined;
}

function answerOf(
  { allowed, refusal, trace }: Decision,
  budgetStatus: BudgetExceededStatus,
  clamped: Clamp | undefined,
): EvaluationAnswer {
  return {
    decision: allowed,
    context: {
      ...(refusal && {
        reason: refusal.message,
        code: refusal.code,
        status: statusOf(refusal, budgetStatus),
        details: detailsOf(refusal),
      }),
      ...(clamped && { clamped }),
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
