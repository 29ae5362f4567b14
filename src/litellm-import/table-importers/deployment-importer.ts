import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { CONFIG, type Config } from '../../config/config.js';
import { NewModelDto } from '../../models/models.dto.js';
import { ModelsService } from '../../models/models.service.js';
import { bodyOf, mappingIn } from '../admin-body.js';
import type { LitellmRow } from '../litellm-database.js';
import { decryptText } from '../provider-secrets.js';
import { IMPORTER, restoreAuthorship } from '../restore-row.js';
import { SkippedRowError } from '../skipped-row.error.js';
import { type ImportContext, selectAll, type TableImporter } from './table-importer.js';
import { StoredDeploymentRepository } from '../../models/stored-deployment.repository.js';

@Injectable()
export class DeploymentImporter implements TableImporter {
  readonly table = 'LiteLLM_ProxyModelTable';

  constructor(
    private readonly models: ModelsService,
    @Inject(CONFIG) private readonly config: Pick<Config, 'saltKey' | 'masterKey'>,
    private readonly rows: StoredDeploymentRepository,
  ) {}

  query(): string {
    return selectAll(this.table, 'model_id');
  }

  idOf({ model_id }: LitellmRow): string {
    return model_id as string;
  }

  async import(tx: EntityManager, row: LitellmRow, { warnings }: ImportContext) {
    const modelId = row.model_id as string;
    if (await this.rows.in(tx).existsBy({ modelId })) return 'exists';
    const info = mappingIn('model_info', row.model_info ?? {});
    if (row.blocked) throw new SkippedRowError('blocked: a model here is there, or it is not');
    if (info.team_id)
      throw new SkippedRowError('model_info.team_id: a model of one team would be everybody’s here');
    const params = Object.entries(mappingIn('litellm_params', row.litellm_params)).filter(
      ([, value]) => value !== null,
    );
    const litellm_params = Object.fromEntries(
      params.map(([name, value]) => [name, this.opened(name, value)]),
    );
    if (litellm_params.litellm_credential_name)
      throw new SkippedRowError(
        'litellm_params.litellm_credential_name: credentials stand in the model itself here',
      );
    const described = { model_name: row.model_name, litellm_params, model_info: { ...info, id: modelId } };
    const deployment = await this.models.make(tx, await bodyOf(NewModelDto, described, warnings), IMPORTER);
    restoreAuthorship(deployment, row);
    await this.rows.in(tx).save(deployment);
    return [cacheKey.models];
  }

  private opened(name: string, value: unknown): unknown {
    if (typeof value !== 'string') return value;
    try {
      return decryptText(value, [this.config.saltKey, this.config.masterKey]);
    } catch (error) {
      throw new SkippedRowError(`litellm_params.${name}: ${(error as Error).message}`);
    }
  }
}
