import { Body, Controller, HttpCode, Post, Req, UnprocessableEntityException } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ErrorEnvelope } from '../http/error-envelope.dto.js';
import { MissingRowException } from '../http/missing-row.exception.js';
import { AdminRoute, CurrentPrincipal } from '../http/route-access.js';
import { Catalogue } from '../models/catalogue.service.js';
import type { Deployment } from '../models/deployment.js';
import { publicPrice } from '../models/public-price.js';
import { usdOfPrice } from '../models/public-model-info.js';
import { type NanoUsd, nanoUsd, usdFromNanoUsd } from '../policy/money.js';
import { costNanoUsd, costParts, levelFor, type Price, type Usage } from '../policy/price.js';
import { costByTerms } from '../policy/price-terms.js';
import { type Principal, seesEverything } from '../policy/principal.js';
import { CallableModels } from './callable-models.js';
import { CostEstimate, CostEstimateDto } from './cost-estimate.dto.js';

/** A price, and the provider that has it. */
interface ProviderPrice {
  readonly provider: string;
  readonly price: Price;
}

/** Estimates the cost of calls by their tokens. */
@ApiTags('spend')
@AdminRoute()
@Controller('cost/estimate')
export class CostEstimateController {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly callable: CallableModels,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'What calls of this size cost, with discount and margin.',
    description:
      'Of a name with several deployments, at the dearest. Proxy admins may ask for any model, others for those that they may call.',
  })
  @ApiResponse({ status: 404, description: 'No such model, or no price.', type: ErrorEnvelope })
  estimate(
    @Body() dto: CostEstimateDto,
    @CurrentPrincipal() caller: Principal,
    @Req() { access }: FastifyRequest,
  ): CostEstimate {
    requireParts(dto);
    const prices = seesEverything(caller)
      ? this.pricesOf(dto.model)
      : pricesOf(this.deploymentsFor(dto.model, access!));
    const usage: Usage = {
      inputTokens: dto.input_tokens,
      outputTokens: dto.output_tokens,
      cachedInputTokens: dto.cache_read_input_tokens ?? 0,
      cacheWriteTokens: dto.cache_creation_input_tokens ?? 0,
      reasoningTokens: dto.reasoning_tokens ?? 0,
    };
    const [dearest] = prices
      .map((one) => ({ ...one, cost: costNanoUsd(usage, one.price) }))
      .toSorted((a, b) => (a.cost < b.cost ? 1 : -1));
    if (!dearest) throw unpriced(dto.model);
    return estimateOf(dto, usage, dearest);
  }

  private deploymentsFor(model: string, access: NonNullable<FastifyRequest['access']>) {
    const found = this.callable.find(model, access);
    return found ? this.catalogue.current().resolve(found.facts.name, found.facts.within) : [];
  }

  /** Returns the prices of a name's deployments. For a name that is not served it returns that of the public table. */
  private pricesOf(model: string): ProviderPrice[] {
    const catalogue = this.catalogue.current();
    const { name, within } = catalogue.modelFacts(model, { teamAliases: {}, keyAliases: {} });
    const deployments = catalogue.resolve(name, within);
    if (deployments.length) return pricesOf(deployments);
    const unserved = publicPrice(catalogue, model);
    return unserved ? [unserved] : [];
  }
}

const pricesOf = (deployments: readonly Deployment[]): ProviderPrice[] =>
  deployments.flatMap(({ provider, price }) => (price ? [{ provider, price }] : []));

/** Throws 422 if a part is larger than its whole. */
function requireParts(dto: CostEstimateDto): void {
  const cached = (dto.cache_read_input_tokens ?? 0) + (dto.cache_creation_input_tokens ?? 0);
  if (cached > dto.input_tokens)
    throw tooMany(
      'cache_read_input_tokens',
      'must be, with cache_creation_input_tokens, at most input_tokens',
    );
  if ((dto.reasoning_tokens ?? 0) > dto.output_tokens)
    throw tooMany('reasoning_tokens', 'must be at most output_tokens');
}

const tooMany = (field: string, message: string) =>
  new UnprocessableEntityException({ message: `${field}: ${message}`, fields: [{ field, message }] });

const unpriced = (model: string) =>
  new MissingRowException({
    message: `No price is known of model=${model}, or you may not call it.`,
    param: 'model',
  });

function estimateOf(
  dto: CostEstimateDto,
  usage: Usage,
  { provider, price, cost }: ProviderPrice & { readonly cost: NanoUsd },
): CostEstimate {
  const list = price.list?.price ?? price;
  const level = levelFor(usage, list);
  const terms = price.list && costByTerms(cost, usage, price.list);
  const listCost = terms?.listNanoUsd ?? cost;
  const { input, output, cacheRead, cacheWrite, reasoning } = costParts(listCost, usage, list);
  const times = (amount: NanoUsd | undefined, count: number | null | undefined) =>
    count ? usdFromNanoUsd(nanoUsd((amount ?? 0n) * BigInt(count))) : null;
  const lines = (count: number | null | undefined) => ({
    cost: times(cost, count),
    input: times(nanoUsd(input + cacheRead + cacheWrite), count),
    output: times(output, count),
    discount: times(terms?.discountNanoUsd, count),
    margin: times(terms?.marginNanoUsd, count),
    cacheRead: times(cacheRead, count),
    cacheWrite: times(cacheWrite, count),
    reasoning: times(reasoning, count),
  });
  const [one, daily, monthly] = [
    lines(1) as Record<keyof ReturnType<typeof lines>, number>,
    lines(dto.num_requests_per_day),
    lines(dto.num_requests_per_month),
  ];
  return {
    model: dto.model,
    input_tokens: dto.input_tokens,
    output_tokens: dto.output_tokens,
    cache_read_input_tokens: dto.cache_read_input_tokens ?? 0,
    cache_creation_input_tokens: dto.cache_creation_input_tokens ?? 0,
    reasoning_tokens: dto.reasoning_tokens ?? 0,
    num_requests_per_day: dto.num_requests_per_day ?? null,
    num_requests_per_month: dto.num_requests_per_month ?? null,
    cost_per_request: one.cost,
    input_cost_per_request: one.input,
    output_cost_per_request: one.output,
    discount_cost_per_request: one.discount,
    margin_cost_per_request: one.margin,
    cache_read_cost_per_request: one.cacheRead,
    cache_creation_cost_per_request: one.cacheWrite,
    reasoning_cost_per_request: one.reasoning,
    daily_cost: daily.cost,
    daily_input_cost: daily.input,
    daily_output_cost: daily.output,
    daily_discount_cost: daily.discount,
    daily_margin_cost: daily.margin,
    daily_cache_read_cost: daily.cacheRead,
    daily_cache_creation_cost: daily.cacheWrite,
    daily_reasoning_cost: daily.reasoning,
    monthly_cost: monthly.cost,
    monthly_input_cost: monthly.input,
    monthly_output_cost: monthly.output,
    monthly_discount_cost: monthly.discount,
    monthly_margin_cost: monthly.margin,
    monthly_cache_read_cost: monthly.cacheRead,
    monthly_cache_creation_cost: monthly.cacheWrite,
    monthly_reasoning_cost: monthly.reasoning,
    input_cost_per_token: usdOfPrice(level.input),
    output_cost_per_token: usdOfPrice(level.output),
    cache_read_input_token_cost: level.cachedInput === undefined ? null : usdOfPrice(level.cachedInput),
    cache_creation_input_token_cost: level.cacheWrite === undefined ? null : usdOfPrice(level.cacheWrite),
    output_cost_per_reasoning_token: level.reasoning === undefined ? null : usdOfPrice(level.reasoning),
    provider,
  };
}
