import { BadRequestException, Inject, Injectable } from '@nestjs/common';
import { cacheKey } from '../cache/change-epochs.js';
import { RowCache } from '../cache/row-cache.js';
import { CONFIG, type Config } from '../config/config.js';
import { readDiscounts, readMargins, type TermsFault } from '../config/cost-terms.js';
import { authoredBy } from '../database/authored-row.js';
import { Database } from '../database/database.js';
import { rowLock } from '../database/row-lock.js';
import { CLOCK, type Clock } from '../platform/clock.js';
import { Catalogue } from './catalogue.service.js';
import { StoredSettingRepository } from './stored-setting.repository.js';
import { type CostSettingName, costTermsOf } from './terms-of-deployment.js';

type Values = Readonly<Record<string, unknown>>;

const READERS = { cost_discount_config: readDiscounts, cost_margin_config: readMargins };

/** Shows and changes discounts and margins at runtime. */
@Injectable()
export class CostSettings {
  constructor(
    private readonly database: Database,
    private readonly settings: StoredSettingRepository,
    private readonly cache: RowCache,
    private readonly catalogue: Catalogue,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Returns the values in force: the stored ones, else those of the configuration file. */
  async values(name: CostSettingName): Promise<Values> {
    const rows = await this.database.read((manager) => this.settings.in(manager).findBy({ name }));
    const { discounts, margins } = costTermsOf(this.config.litellm, rows);
    return name === 'cost_discount_config' ? discounts : margins;
  }

  /** Replaces all values of a setting, on every replica. Throws 400 if one is wrong. */
  async replace(name: CostSettingName, body: object, by: string): Promise<Values> {
    const faults: TermsFault[] = [];
    const values = READERS[name](body, (fault) => faults.push(fault));
    if (faults.length)
      throw new BadRequestException({
        message: faults.map(({ at, problem }) => `${at || name}: ${problem}`).join('; '),
        param: faults[0]!.at || name,
      });
    await this.database.write(async (tx) => {
      const rows = this.settings.in(tx);
      const before = await rows.findOne({ where: { name }, ...rowLock(tx) });
      const author = authoredBy(by, this.clock());
      const { createdAt, createdBy } = before ?? author;
      await rows.save({ name, value: { ...values }, ...author, createdAt, createdBy });
      this.cache.willChange(tx, [cacheKey.models]);
    });
    await this.catalogue.refresh();
    return values;
  }
}
