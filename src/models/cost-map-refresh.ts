import { readFileSync, statSync } from 'node:fs';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { errorReason } from '../http/error-reason.js';
import { PeriodicTask } from '../platform/periodic-task.js';
import { costMap } from '../prices/cost-map.js';
import { forgetKnownModels } from '../prices/known-model.js';
import { Catalogue } from './catalogue.service.js';
import { fetchedText, MAX_TABLE_BYTES } from './fetched-text.js';

/** LiteLLM reads its map once a day. */
const EVERY_MS = 86_400_000;

/**
 * Reads the operator's cost map (`LITELLM_MODEL_COST_MAP_URL`, a file or an address) at the start, and then every
 * `price_refresh_hours`, or once a day. A map with one wrong row changes nothing: the last good one stays in force.
 */
@Injectable()
export class CostMapRefresh implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(CostMapRefresh.name);
  private readonly ending = new AbortController();
  private readonly task = new PeriodicTask(
    () => this.refresh(),
    () => undefined,
  );
  private text = '';

  constructor(
    private readonly catalogue: Catalogue,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const place = this.config.costMapUrl;
    if (place === undefined) return;
    // A file is in force before the first call. An address may be slow, or down.
    if (!isAddress(place)) await this.refresh();
    this.task.start(this.config.general.priceRefreshMs ?? EVERY_MS);
  }

  onApplicationShutdown(): Promise<void> {
    this.ending.abort();
    return this.task.stop();
  }

  /** Reads the map once. Never throws. */
  async refresh(): Promise<void> {
    const place = this.config.costMapUrl!;
    try {
      const text = isAddress(place) ? await fetchedText(place, this.ending.signal) : textOf(place);
      if (text === this.text) return;
      costMap.replace(JSON.parse(text));
      this.text = text;
      forgetKnownModels();
      await this.catalogue.refresh();
      this.logger.log(`The cost map of ${costMap.size} models was read from ${place}.`);
    } catch (error) {
      if (!this.ending.signal.aborted)
        this.logger.warn(
          `The cost map at ${place} is not used, and the prices stay as they are: ${errorReason(error)}`,
        );
    }
  }
}

const isAddress = (place: string) => /^https?:/i.test(place);

function textOf(path: string): string {
  if (statSync(path).size > MAX_TABLE_BYTES) throw new Error(`it is larger than ${MAX_TABLE_BYTES} bytes`);
  return readFileSync(path, 'utf8');
}
