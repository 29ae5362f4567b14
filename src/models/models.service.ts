import { BadRequestException, ConflictException, Inject, Injectable } from '@nestjs/common';
import { MissingRowException } from '../http/missing-row.exception.js';
import { type EntityManager, IsNull } from 'typeorm';
import { newId } from '../platform/new-id.js';
import { type CacheKey, cacheKey } from '../cache/change-epochs.js';
import { RowCache } from '../cache/row-cache.js';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config, type ModelConfig } from '../config/config.js';
import { isOfHost, namesAddress } from '../config/cloud-routes.js';
import { readModel } from '../config/models.js';
import { routeOf } from '../config/providers.js';
import { restrictionProblems } from '../config/restrictions.js';
import { Report, Section } from '../config/section.js';
import { authoredBy } from '../database/authored-row.js';
import { Database } from '../database/database.js';
import { rowLock } from '../database/row-lock.js';
import { invalidFields } from '../http/invalid-fields.js';
import { currentPageInfo } from '../http/page-info.dto.js';
import { authorshipView } from '../parties/limits.view.js';
import { ModelNames } from '../parties/model-names.js';
import { AccessGroupRepository } from '../parties/repositories/access-group.repository.js';
import { missingText } from '../policy/checks/parties-exist.js';
import { isSecretName } from '../platform/secrets.js';
import { Catalogue } from './catalogue.service.js';
import { groupTags, ServedNames } from './served-names.js';
import { callEditFaults } from './call-edits.js';
import { StoredDeployment } from './stored-deployment.entity.js';
import type {
  ChangeModelDto,
  ModelInfoEntry,
  ModelPage,
  ModelPageQuery,
  ModelRow,
  NewModelDto,
} from './models.dto.js';
import { withFigures } from './public-model-info.js';
import { decryptedParams, publicParams, storedParams } from './stored-params.js';
import { StoredDeploymentRepository } from './stored-deployment.repository.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';

/** Adds, changes and removes deployments at runtime. */
@Injectable()
export class ModelsService {
  constructor(
    private readonly database: Database,
    private readonly cache: RowCache,
    private readonly catalogue: Catalogue,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
    private readonly storedDeployments: StoredDeploymentRepository,
    private readonly teams: TeamRepository,
    private readonly accessGroups: AccessGroupRepository,
    private readonly servedNames: ServedNames,
    private readonly modelNames: ModelNames,
  ) {}

  /** Adds a deployment. The next call can use it. Throws 409 if its id exists, 422 if it could never be called. */
  async create(dto: NewModelDto, by: string): Promise<ModelRow> {
    const row = await this.database.write((tx) => this.make(tx, dto, by));
    await this.changed();
    return modelRow(row);
  }

  /** The same inside a transaction of somebody else's; when it is committed they call `changed`. */
  async make(tx: EntityManager, dto: NewModelDto, by: string): Promise<StoredDeployment> {
    const described = descriptionOf(dto, this.config.startWithout);
    const modelId = described.modelInfo.id ?? newId();
    const row: StoredDeployment = {
      ...this.columns(described, modelId),
      modelId,
      ...authoredBy(by, this.clock()),
    };
    const existing = this.configured(modelId) ?? (await this.storedDeployments.in(tx).findOneBy({ modelId }));
    if (existing)
      throw new ConflictException({
        message: `Model with id=${modelId} already exists`,
        param: 'model_info.id',
      });
    await this.requireTeam(tx, described);
    await this.storedDeployments.in(tx).insert(row as never);
    this.cache.willChange(tx, [cacheKey.models]);
    return row;
  }

  /**
   * Changes single members of `litellm_params` and `model_info`; `null` removes a member. The result must be valid for
   * `/model/new`. Throws 404 if the id does not exist, 400 if the configuration file has it.
   */
  async update(modelId: string, dto: ChangeModelDto, by: string): Promise<ModelRow> {
    this.requireAdded(modelId, 'id');
    return this.write(async (tx, cacheKeys) => {
      const before = await this.storedDeployments.in(tx).findOne({ where: { modelId }, ...rowLock(tx) });
      if (!before) throw missing(modelId, 'id');
      refuse(references(dto.litellm_params ?? {}));
      const described = descriptionOf(
        {
          model_name: dto.model_name ?? before.modelName,
          litellm_params: merged(decryptedParams(before, this.config.saltKey), dto.litellm_params),
          model_info: merged(before.modelInfo ?? {}, {
            ...dto.model_info,
            ...(dto.blocked !== undefined && { blocked: dto.blocked }),
          }),
        },
        this.config.startWithout,
      );
      if (described.modelInfo.id !== modelId)
        refuse(['model_info.id: cannot be changed; remove the model and add it again']);
      await this.requireTeam(tx, described);
      const row: StoredDeployment = {
        ...before,
        ...this.columns(described, modelId),
        updatedAt: this.clock(),
        updatedBy: by,
      };
      const saved = await this.storedDeployments.in(tx).save(row);
      if (row.modelName !== before.modelName)
        cacheKeys.push(...(await this.follow(tx, before, before.modelName, row.modelName, by)));
      return modelRow(saved);
    });
  }

  /** Deletes a deployment. If it was the last of its name or group, the name is taken from all lists. */
  async delete(modelId: string, by: string): Promise<{ message: string }> {
    this.requireAdded(modelId, 'id');
    await this.write(async (tx, cacheKeys) => {
      const row = await this.storedDeployments.in(tx).findOneBy({ modelId });
      if (!row) throw missing(modelId, 'id');
      await this.storedDeployments.in(tx).remove({ ...row });
      await this.accessGroups.removeDeployment(tx, modelId, by);
      for (const name of [row.modelName, ...groupTags(row.modelInfo)])
        cacheKeys.push(...(await this.follow(tx, row, name, null, by)));
    });
    return { message: `Model: ${modelId} deleted successfully` };
  }

  /** Returns all deployments, or those of a team or id, without secrets. Throws 404 if the id does not exist. */
  async info(id: string | undefined, teamId: string | undefined): Promise<ModelInfoEntry[]> {
    const all = await this.all();
    const selected = all.filter(({ model_info }) => teamId === undefined || model_info.team_id === teamId);
    if (id === undefined) return selected.map(this.withFigures);
    const one = selected.filter(({ model_info }) => model_info.id === id);
    if (!one.length)
      throw new MissingRowException({
        message: `Model id = ${id} not found on litellm proxy`,
        param: 'litellm_model_id',
      });
    return one.map(this.withFigures);
  }

  /** Returns one page of the deployments that match, without secrets. */
  async page({ model, modelId, teamId, search, page = 1, size = 50 }: ModelPageQuery): Promise<ModelPage> {
    const part = search?.toLowerCase();
    const found = (await this.all()).filter(
      ({ model_name, model_info }) =>
        (model === undefined || model_name === model) &&
        (modelId === undefined || model_info.id === modelId) &&
        (teamId === undefined || model_info.team_id === teamId) &&
        (part === undefined || model_name.toLowerCase().includes(part)),
    );
    return {
      data: found.slice((page - 1) * size, page * size).map(this.withFigures),
      ...currentPageInfo(found.length, page, size),
      size,
    };
  }

  private readonly withFigures = (entry: ModelInfoEntry) => withFigures(entry, this.catalogue.current());

  private async all(): Promise<ModelInfoEntry[]> {
    const rows = await this.database.read((manager) =>
      this.storedDeployments.in(manager).find({ order: { createdAt: 'ASC', modelId: 'ASC' } }),
    );
    return [
      ...this.config.models.map(({ modelName, litellmParams, modelInfo }) => ({
        model_name: modelName,
        litellm_params: publicParams(litellmParams),
        model_info: { ...modelInfo, db_model: false },
      })),
      ...rows.map((row) => ({
        model_name: row.modelName,
        litellm_params: row.litellmParams,
        model_info: { ...row.modelInfo, id: row.modelId },
      })),
    ];
  }

  private columns({ modelName, litellmParams, modelInfo }: ModelConfig, id: string) {
    const isOfTeam = modelInfo.team_id !== undefined;
    const { team_public_model_name: _, ...info } = modelInfo;
    return {
      modelName,
      ...storedParams(litellmParams, this.config.saltKey),
      modelInfo: { ...info, id, db_model: true, ...(isOfTeam && { team_public_model_name: modelName }) },
    };
  }

  private configured(id: string) {
    return this.config.models.find(({ modelInfo }) => modelInfo.id === id);
  }

  private requireAdded(id: string, param: string): void {
    if (!this.configured(id)) return;
    throw new BadRequestException({
      message: `Model with id=${id} is in the configuration file; change it there`,
      param,
    });
  }

  /** Lets the lists of all parties follow a name that a deployment no longer has. Returns the cache keys to evict. */
  private async follow(
    tx: EntityManager,
    { modelInfo }: StoredDeployment,
    from: string,
    to: string | null,
    by: string,
  ): Promise<CacheKey[]> {
    const isFromServed = await this.servedNames.has(tx, from);
    const teamId = modelInfo?.team_id;
    const ofTeam = typeof teamId === 'string' && { teamId };
    return this.modelNames.follow(tx, { from, to, isFromServed, ...ofTeam }, by);
  }

  /** Runs one transaction, then rebuilds the catalogue and evicts `cacheKeys`. */
  private async write<T>(work: (tx: EntityManager, cacheKeys: CacheKey[]) => Promise<T>): Promise<T> {
    const cacheKeys: CacheKey[] = [];
    const result = await this.database.write(async (tx) => {
      const done = await work(tx, cacheKeys);
      this.cache.willChange(tx, [cacheKey.models, ...cacheKeys]);
      return done;
    });
    await this.changed();
    await this.cache.evict(cacheKeys);
    return result;
  }

  /** Deployments came or went: the next call knows. */
  async changed(): Promise<void> {
    await this.catalogue.refresh();
    await this.cache.evict([cacheKey.models]);
  }

  private async requireTeam(
    tx: EntityManager,
    { modelInfo: { team_id: teamId } }: ModelConfig,
  ): Promise<void> {
    if (typeof teamId !== 'string') return;
    const team = await this.teams.in(tx).findOne({
      where: { teamId, deletedAt: IsNull() },
      ...rowLock(tx),
    });
    if (team) return;
    throw new MissingRowException({
      message: missingText({ kind: 'team', id: teamId }),
      param: 'model_info.team_id',
    });
  }
}

/** Merges changes into an object. `null` removes a member; absent members stay. */
function merged(before: object, sent: object | null | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries({ ...before, ...sent }).filter(([, value]) => value !== null && value !== undefined),
  );
}

const missing = (id: string, param: string) =>
  new MissingRowException({ message: `Model with id=${id} not found in db`, param });

/** Reads a deployment like one of the configuration file. Throws 422 with all its problems. */
function descriptionOf(
  { model_name, litellm_params, model_info }: NewModelDto,
  startWithout: readonly string[],
): ModelConfig {
  const report = new Report();
  const model = readModel(new Section({ model_name, litellm_params, model_info }, '', report));
  refuse([
    ...report.problems,
    ...(report.problems.length ? [] : callEditFaults(model.litellmParams)),
    ...(report.problems.length ? [] : identityProblems(model.litellmParams)),
    ...report.ignored.map((path) => `${path}: ${NOT_BILLED}`),
    ...restrictionProblems({ ...litellm_params }, startWithout),
    ...misplacedSecrets(model_info ?? {}),
    ...references(litellm_params),
    ...references(model_info ?? {}, 'model_info'),
    ...tooLarge({ litellm_params, model_info }),
  ]);
  return model;
}

/** Returns a problem if an address that arrives by the API would get an identity of this host. */
function identityProblems(params: ModelConfig['litellmParams']): string[] {
  const route = namesAddress(params) ? routeOf(params) : undefined;
  return route && !('problem' in route) && route.identity && isOfHost(route.identity)
    ? [
        'litellm_params: an address of its own needs its credential beside it: no identity of this host is sent there',
      ]
    : [];
}

function refuse(problems: readonly string[]): void {
  if (!problems.length) return;
  throw invalidFields(
    problems.map((problem) => {
      const [field, ...message] = problem.split(': ');
      return { field: field!, message: message.join(': ') };
    }),
  );
}

const NOT_BILLED = 'is a price nothing is billed by here; leave it out or set it to 0';

/** Returns a problem for each credential in `model_info`, because everybody who may list models sees `model_info`. */
function misplacedSecrets(info: object, path = 'model_info'): string[] {
  return Object.entries(info).flatMap(([name, value]) => {
    const fieldPath = `${path}.${name}`;
    if (isSecretName(name) && value !== null)
      return [`${fieldPath}: belongs in litellm_params, where it is encrypted`];
    return typeof value === 'object' && value !== null ? misplacedSecrets(value as object, fieldPath) : [];
  });
}

/** Returns a problem for each reference to the environment at any depth. Only the configuration file may have one. */
const references = (params: object, path = 'litellm_params'): string[] =>
  Object.entries(params).flatMap(([name, value]) => {
    const fieldPath = Array.isArray(params) ? path : `${path}.${name}`;
    if (typeof value === 'object' && value !== null) return references(value as object, fieldPath);
    return typeof value === 'string' && value.trimStart().startsWith('os.environ/')
      ? [`${fieldPath}: os.environ/ works in the configuration file only`]
      : [];
  });

/** Maximum length of a deployment's configuration as JSON. */
const MAX_DESCRIPTION_CHARS = 128 * 1024;

const tooLarge = (described: object) =>
  JSON.stringify(described).length > MAX_DESCRIPTION_CHARS
    ? [`litellm_params: with model_info has more than ${MAX_DESCRIPTION_CHARS} characters`]
    : [];

/** Returns a deployment in LiteLLM's shape, without secrets. */
export function modelRow({
  modelId,
  modelName,
  litellmParams,
  modelInfo,
  ...row
}: StoredDeployment): ModelRow {
  return {
    model_id: modelId,
    model_name: modelName,
    litellm_params: litellmParams,
    model_info: { ...modelInfo, id: modelId },
    ...authorshipView(row),
  };
}
