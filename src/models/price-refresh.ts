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
import { replacePriceTable } from './price-table.js';
import { PeriodicTask } from '../platform/periodic-task.js';
import { errorReason } from '../http/error-reason.js';

const PATIENCE_MS = 60_000;
const MAX_TABLE_BYTES = 32 * 1024 * 1024;

/**
 * Fetches the table of known prices at the start and every `price_refresh_hours`, while calls go on. A table that cannot be
 * had or trusted changes nothing. Calls already held are settled at the prices they were held with.
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

  /** Fetches once. Never throws. */
  async refresh(patienceMs = PATIENCE_MS): Promise<void> {
    const url = this.config.general.priceRefreshUrl ?? REMOTE_DATA_JSON_URL;
    // Not `AbortSignal.any` of a `timeout`: Node 20 may collect that one before it fires.
    const givingUp = new AbortController();
    const giveUp = () => givingUp.abort(new Error(`timeout after ${patienceMs} ms`));
    const timer = setTimeout(giveUp, patienceMs);
    this.ending.signal.addEventListener('abort', giveUp);
    try {
      const models = await replacePriceTable(JSON.parse(await fetched(url, givingUp.signal)));
      await this.catalogue.refresh();
      this.logger.log(`The prices of ${models} models were read from ${url}.`);
    } catch (error) {
      if (!this.ending.signal.aborted)
        this.logger.warn(`The prices stay as they are; ${url} gave no better ones: ${errorReason(error)}`);
    } finally {
      clearTimeout(timer);
      this.ending.signal.removeEventListener('abort', giveUp);
    }
  }
}

async function fetched(url: string, signal: AbortSignal): Promise<string> {
  const { ok, status, body } = await fetch(url, { signal });
  if (!ok || !body) throw new Error(`it answered ${status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_TABLE_BYTES) throw new Error(`it is larger than ${MAX_TABLE_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
