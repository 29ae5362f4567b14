import {
  BadRequestException,
  ConflictException,
  Inject,
  Injectable,
  NotFoundException,
  UnprocessableEntityException,
} from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { cacheKey } from '../cache/changes.js';
import { RowCache } from '../cache/row-cache.js';
import { CLOCK, type Clock } from '../clock.js';
import { CONFIG, type Config, type ModelConfig } from '../config/config.js';
import { readModel } from '../config/models.js';
import { Report, Section } from '../config/section.js';
import { Database } from '../database/database.js';
import { isSecretName, seal } from '../secrets.js';
import { Catalogue } from './catalogue.service.js';
import { Model } from './model.entity.js';
import type { ModelInfoEntry, ModelRow, NewModelDto } from './models.dto.js';

/** Members of `litellm_params` that are no credential, beside numbers and switches. */
const OPEN = new Set([
  'model', 'api_base', 'base_url', 'api_version', 'organization', 'mock_response', 'custom_llm_provider', 'region_name',
  'aws_region_name', 'vertex_location', 'tags', 'search_context_cost_per_query',
]); // prettier-ignore

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
    const row = await this.database.write((tx) => this.make(tx, dto, by));
    await this.changed();
    return modelRow(row);
  }

  /** The same inside a transaction of somebody else's; when it is committed they call `changed`. */
  async make(tx: EntityManager, dto: NewModelDto, by: string): Promise<Model> {
    const described = descriptionOf(dto);
    const modelInfo = { ...described.modelInfo, id: described.modelInfo.id ?? uuidv7(), db_model: true };
    const now = this.clock();
    const { open, secret } = parted(described.litellmParams);
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
    const taken = this.configured(row.modelId) ?? (await tx.findOneBy(Model, { modelId: row.modelId }));
    if (taken)
      throw new ConflictException({
        message: `Model with id=${row.modelId} already exists`,
        param: 'model_info.id',
      });
    await tx.save(Model, row);
    await this.cache.willChange(tx, [cacheKey.models]);
    return row;
  }

  async delete(id: string): Promise<{ message: string }> {
    if (this.configured(id)) {
      throw new BadRequestException({
        message: `Model with id=${id} is in the configuration file; remove it there`,
        param: 'id',
      });
    }
    await this.database.write(async (tx) => {
      const row = await tx.findOneBy(Model, { modelId: id });
      if (!row) throw new NotFoundException({ message: `Model with id=${id} not found in db`, param: 'id' });
      await tx.remove(Model, row);
      await this.cache.willChange(tx, [cacheKey.models]);
    });
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

  /** Deployments came or went: the next call knows. */
  async changed(): Promise<void> {
    await this.catalogue.refresh();
    await this.cache.evict([cacheKey.models]);
  }
}

/** The description as the configuration file would be read; 422 lists everything that is wrong with it. */
function descriptionOf({ model_name, litellm_params, model_info }: NewModelDto): ModelConfig {
  const report = new Report();
  const model = readModel(new Section({ model_name, litellm_params, model_info }, '', report));
  const problems = [
    ...report.problems,
    ...report.ignored.map(
      (path) => `${path}: ${path.endsWith('.model') ? 'its provider is not served yet' : NOT_BILLED}`,
    ),
    ...misplacedSecrets(model_info ?? {}),
    ...references(litellm_params),
  ];
  if (problems.length) {
    throw new UnprocessableEntityException({
      message: problems.join('; '),
      fields: problems.map((problem) => ({ field: problem.split(':')[0]!, message: problem })),
    });
  }
  return model;
}

const NOT_BILLED = 'is a price nothing is billed by here; leave it out or set it to 0';

/** `model_info` is told to everyone who may look at models: a credential in it would be, too. */
function misplacedSecrets(info: object, path = 'model_info'): string[] {
  return Object.entries(info).flatMap(([name, value]) => {
    const here = `${path}.${name}`;
    if (isSecretName(name) && value !== null)
      return [`${here}: belongs in litellm_params, where it is encrypted`];
    return typeof value === 'object' && value !== null ? misplacedSecrets(value as object, here) : [];
  });
}

/** The environment is the operator's: only the configuration file may refer to it. */
const references = (params: object) =>
  Object.entries(params).flatMap(([name, value]) =>
    typeof value === 'string' && value.startsWith('os.environ/')
      ? [`litellm_params.${name}: os.environ/ works in the configuration file only`]
      : [],
  );

/** What may be told: figures, and texts known to be no credential. Everything else is sealed. */
function parted(params: Readonly<Record<string, unknown>>) {
  const entries = Object.entries(params);
  const isOpen = ([name, value]: [string, unknown]) =>
    OPEN.has(name) || typeof value === 'number' || typeof value === 'boolean';
  return {
    open: Object.fromEntries(entries.filter(isOpen)),
    secret: Object.fromEntries(entries.filter((entry) => !isOpen(entry))),
  };
}

/** A deployment as LiteLLM tells it, without anything secret. */
export function modelRow({ modelId, modelName, litellmParams, modelInfo, ...row }: Model): ModelRow {
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
