import {
  BadRequestException,
  ConflictException,
  Inject,
  Injectable,
  NotFoundException,
  UnprocessableEntityException,
} from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { cacheKey } from '../cache/changes.js';
import { RowCache } from '../cache/row-cache.js';
import { CLOCK, type Clock } from '../clock.js';
import { CONFIG, type Config, type LitellmParams, type ModelInfo } from '../config/config.js';
import { Database } from '../database/database.js';
import { seal } from '../secrets.js';
import { Catalogue } from './catalogue.service.js';
import { makeDeployment } from './deployment.js';
import { Model } from './model.entity.js';
import type { ModelInfoEntry, ModelRow, NewModelDto } from './models.dto.js';

/** Members of `litellm_params` that are credentials. */
const SECRET = /(?:key|secret|token|password|credentials?|extra_headers)$/i;
/** … and members that only sound like one. */
const NO_SECRET = /cost|max_tokens|_tokens$|per_token/i;

/** Models added and removed while the gateway runs. */
@Injectable()
export class ModelsService {
  constructor(
    private readonly database: Database,
    private readonly cache: RowCache,
    private readonly catalogue: Catalogue,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Adds a deployment; the next call can use it. 409 when its id is taken, 422 when it could never be called. */
  async create(dto: NewModelDto, by: string): Promise<ModelRow> {
    const { id = uuidv7(), ...info } = dto.model_info ?? {};
    const modelInfo = { ...info, id: textId(id), db_model: true };
    const litellmParams = dto.litellm_params as unknown as LitellmParams;
    refuseUncallable(dto.model_name, litellmParams, modelInfo);
    const now = this.clock();
    const { open, secret } = parted(dto.litellm_params);
    const row: Model = {
      modelId: modelInfo.id,
      modelName: dto.model_name,
      litellmParams: open,
      sealedParams: Object.keys(secret).length ? seal(JSON.stringify(secret), this.config.saltKey) : null,
      modelInfo,
      createdAt: now,
      createdBy: by,
      updatedAt: now,
      updatedBy: by,
    };
    await this.database.write(async (tx) => {
      const taken = this.configured(row.modelId) ?? (await tx.findOneBy(Model, { modelId: row.modelId }));
      if (taken)
        throw new ConflictException({
          message: `Model with id=${row.modelId} already exists`,
          param: 'model_info.id',
        });
      await tx.save(Model, row);
    });
    await this.changed();
    return modelRow(row);
  }

  async delete(id: string): Promise<{ message: string }> {
    if (this.configured(id)) {
      throw new BadRequestException({
        message: `Model with id=${id} is in the configuration file; remove it there`,
        param: 'id',
      });
    }
    const { affected } = await this.database.write((tx) => tx.delete(Model, { modelId: id }));
    if (!affected)
      throw new NotFoundException({ message: `Model with id=${id} not found in db`, param: 'id' });
    await this.changed();
    return { message: `Model: ${id} deleted successfully` };
  }

  /** Every deployment, without anything secret. 404 when one is asked for that is not there. */
  async info(id: string | undefined): Promise<ModelInfoEntry[]> {
    const rows = await this.database.read((manager) => manager.find(Model, { order: { createdAt: 'ASC' } }));
    const all = [
      ...this.config.models.map(({ modelName, litellmParams, modelInfo }) => ({
        model_name: modelName,
        litellm_params: parted(litellmParams).open,
        model_info: { ...modelInfo, db_model: false },
      })),
      ...rows.map((row) => ({
        model_name: row.modelName,
        litellm_params: row.litellmParams,
        model_info: { ...row.modelInfo, id: row.modelId },
      })),
    ];
    if (id === undefined) return all;
    const one = all.filter(({ model_info }) => model_info.id === id);
    if (!one.length)
      throw new NotFoundException({
        message: `Model id = ${id} not found on litellm proxy`,
        param: 'litellm_model_id',
      });
    return one;
  }

  private configured(id: string) {
    return this.config.models.find(({ modelInfo }) => modelInfo.id === id);
  }

  private async changed(): Promise<void> {
    await this.catalogue.refresh();
    await this.cache.evict([cacheKey.models]);
  }
}

function textId(id: unknown): string {
  if (typeof id === 'string' && id) return id;
  throw invalid('model_info.id', 'must be a non-empty string');
}

function refuseUncallable(modelName: string, params: LitellmParams, info: ModelInfo): void {
  if (typeof params.model !== 'string' || !params.model)
    throw invalid('litellm_params.model', 'must be a non-empty string');
  for (const name of ['api_key', 'api_base', 'base_url', 'mock_response']) {
    if (params[name] !== undefined && typeof params[name] !== 'string')
      throw invalid(`litellm_params.${name}`, 'must be text');
  }
  const base = params.api_base ?? params.base_url;
  if (
    base !== undefined &&
    !(URL.canParse(base as string) && /^https?:$/.test(new URL(base as string).protocol))
  ) {
    throw invalid('litellm_params.api_base', 'must be an http:// or https:// address');
  }
  for (const [name, value] of [...Object.entries(params), ...Object.entries(info)]) {
    if (
      /cost/.test(name) &&
      value !== null &&
      !(typeof value === 'number' && Number.isFinite(value) && value >= 0)
    ) {
      throw invalid(name, 'must be a number, zero or more');
    }
  }
  const made = makeDeployment({ modelName, litellmParams: params, modelInfo: info }, 1);
  if ('problem' in made) throw invalid('litellm_params.model', made.problem);
}

const invalid = (field: string, message: string) =>
  new UnprocessableEntityException({ message: `${field}: ${message}`, fields: [{ field, message }] });

function parted(params: Readonly<Record<string, unknown>>) {
  const entries = Object.entries(params);
  const isSecret = ([name]: [string, unknown]) => SECRET.test(name) && !NO_SECRET.test(name);
  return {
    open: Object.fromEntries(entries.filter((entry) => !isSecret(entry))),
    secret: Object.fromEntries(entries.filter(isSecret)),
  };
}

function modelRow({ modelId, modelName, litellmParams, modelInfo, ...row }: Model): ModelRow {
  return {
    model_id: modelId,
    model_name: modelName,
    litellm_params: litellmParams,
    model_info: { ...modelInfo, id: modelId },
    created_at: row.createdAt.toISOString(),
    created_by: row.createdBy,
    updated_at: row.updatedAt.toISOString(),
    updated_by: row.updatedBy,
  };
}
