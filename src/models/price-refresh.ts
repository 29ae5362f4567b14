import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { REMOTE_DATA_JSON_URL } from '@pydantic/genai-prices';
import { CONFIG, type Config } from '../config/config.js';
import { Catalogue } from './catalogue.service.js';
import { forgetKnownModels } from '../prices/known-model.js';
import { replacePriceTable } from '../prices/library-prices.js';
import { PeriodicTask } from '../platform/periodic-task.js';
import { fetchedText } from './fetched-text.js';
import { errorReason } from '../http/error-reason.js';

/**
 * Fetches the price table at the start and every `price_refresh_hours`. A table that cannot be fetched or trusted changes
 * nothing. Calls with a hold are settled at the prices of their hold.
 */
@Injectable()
export class PriceRefresh implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(PriceRefresh.name);
  private readonly ending = new AbortController();
  private readonly task = new PeriodicTask(
    () => this.refresh(),
    () => undefined,
  );

  constructor(
    private readonly catalogue: Catalogue,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    const everyMs = this.config.general.priceRefreshMs;
    if (everyMs !== undefined) this.task.start(everyMs);
  }

  onApplicationShutdown(): Promise<void> {
    this.ending.abort();
    return this.task.stop();
  }

  /** Fetches the table once. Never throws. */
  async refresh(timeoutMs?: number): Promise<void> {
    const url = this.config.general.priceRefreshUrl ?? REMOTE_DATA_JSON_URL;
    try {
      const models = await replacePriceTable(
        JSON.parse(await fetchedText(url, this.ending.signal, timeoutMs)),
      );
      forgetKnownModels();
      await this.catalogue.refresh();
      this.logger.log(`The prices of ${models} models were read from ${url}.`);
    } catch (error) {
      if (!this.ending.signal.aborted)
        this.logger.warn(`The prices stay as they are; ${url} gave no better ones: ${errorReason(error)}`);
    }
  }
}
