import { BadRequestException, Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ErrorEnvelope } from '../http/error-envelope.dto.js';
import { AdminRoute } from '../http/route-access.js';
import { Catalogue } from '../models/catalogue.service.js';
import { knownFigures } from '../models/deployment.js';
import { providerOfBareName } from '../models/price-table.js';
import { usdFromNanoUsd } from '../policy/money.js';
import { costNanoUsd, type Price, type Usage } from '../policy/price.js';
import { CalculatedSpend, CalculateSpendDto } from './calculate.dto.js';
import { estimatedTokens, reportedUsage } from '../call-types/reported-usage.js';

/** Longer chats are estimated: counting would keep others waiting. */
const MAX_COUNTED_BYTES = 128 * 1024;

/** What a call costs, without making it. */
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
      const { model: answered, usage, service_tier } = completion_response;
      const used = reportedUsage(usage, service_tier);
      if (!used) throw bad('completion_response', 'completion_response has no usage that can be priced');
      return this.cost(model ?? (typeof answered === 'string' ? answered : undefined), used);
    }
    if (!messages) throw bad('messages', 'Give a model and messages, or a completion_response');
    const bytes = Buffer.byteLength(JSON.stringify(messages));
    const inputTokens = bytes > MAX_COUNTED_BYTES ? estimatedTokens(bytes) : await tokensOf(messages);
    return this.cost(model, { inputTokens, outputTokens: 0 });
  }

  private cost(model: string | undefined, usage: Usage): CalculatedSpend {
    if (!model) throw bad('model', 'Name the model in `model`');
    const costs = this.pricesOf(model).map((price) => costNanoUsd(usage, price));
    if (!costs.length) throw bad('model', `The price of model=${model} is not known`);
    return { cost: usdFromNanoUsd(costs.reduce((dearest, cost) => (cost > dearest ? cost : dearest))) };
  }

  /** Of its deployments; of a name that is none of ours, the one everybody knows. */
  private pricesOf(model: string): Price[] {
    const deployments = this.catalogue.current().resolve(model);
    const found = deployments.length ? deployments : [knownFigures(providerOfBareName(model) ?? '', model)];
    return found.flatMap(({ price }) => price ?? []);
  }
}

const bad = (param: string, message: string) => new BadRequestException({ message, param });

/** Counts prompt tokens. The tokenizer takes 150 ms to load, so it is loaded by the first caller that needs it. */
async function tokensOf(messages: readonly unknown[]): Promise<number> {
  const { chatTokens } = await import('../tokenizer/prompt-tokens.js');
  return chatTokens(messages);
}
