import { BadRequestException, Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ErrorEnvelope } from '../http/error-envelope.dto.js';
import { AdminRoute } from '../http/route-access.js';
import { Catalogue } from '../models/catalogue.service.js';
import { publicPrice } from '../models/public-price.js';
import { usdFromNanoUsd } from '../policy/money.js';
import { costNanoUsd, type Price, type Usage, withoutBill } from '../policy/price.js';
import { CalculatedSpend, CalculateSpendDto } from './calculate.dto.js';
import { estimatedTokens, reportedUsage } from '../call-types/reported-usage.js';

/** Longer chats are estimated, because counting them would delay other callers. */
const MAX_COUNTED_BYTES = 128 * 1024;

/** Computes the cost of a call without making the call. */
@ApiTags('spend')
@AdminRoute()
@Controller('spend/calculate')
export class CalculateController {
  constructor(private readonly catalogue: Catalogue) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'What a prompt costs (its answer is not counted), or an answer with its usage.',
    description: 'Of a name with several deployments, at the dearest.',
  })
  @ApiResponse({ status: 400, description: 'There is nothing to price, or no price.', type: ErrorEnvelope })
  async calculate(
    @Body() { model, messages, completion_response }: CalculateSpendDto,
  ): Promise<CalculatedSpend> {
    if (completion_response) {
      const { model: responseModel, usage: reported, service_tier } = completion_response;
      const usage = reportedUsage(reported, service_tier);
      if (!usage)
        throw badRequest('completion_response', 'completion_response has no usage that can be priced');
      return this.cost(
        model ?? (typeof responseModel === 'string' ? responseModel : undefined),
        withoutBill(usage),
      );
    }
    if (!messages) throw badRequest('messages', 'Give a model and messages, or a completion_response');
    const bytes = Buffer.byteLength(JSON.stringify(messages));
    const inputTokens = bytes > MAX_COUNTED_BYTES ? estimatedTokens(bytes) : await tokensOf(messages);
    return this.cost(model, { inputTokens, outputTokens: 0 });
  }

  private cost(model: string | undefined, usage: Usage): CalculatedSpend {
    if (!model) throw badRequest('model', 'Name the model in `model`');
    const costs = this.pricesOf(model).map((price) => costNanoUsd(usage, price));
    if (!costs.length) throw badRequest('model', `The price of model=${model} is not known`);
    return { cost: usdFromNanoUsd(costs.reduce((dearest, cost) => (cost > dearest ? cost : dearest))) };
  }

  /** Returns the prices of a model's deployments. For an unknown name it returns the price of the public price table. */
  private pricesOf(model: string): Price[] {
    const catalogue = this.catalogue.current();
    const deployments = catalogue.resolve(model);
    const priced = deployments.length ? deployments : [publicPrice(catalogue, model)];
    return priced.flatMap((one) => one?.price ?? []);
  }
}

const badRequest = (param: string, message: string) => new BadRequestException({ message, param });

/** Counts prompt tokens. The tokenizer takes 150 ms to load, so it is loaded by the first caller that needs it. */
async function tokensOf(messages: readonly unknown[]): Promise<number> {
  const { chatTokens } = await import('../tokenizer/prompt-tokens.js');
  return chatTokens(messages);
}
