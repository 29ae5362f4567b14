import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { TagDto } from '../../tags/tags.dto.js';
import { TagsService } from '../../tags/tags.service.js';
import { bodyOf } from '../admin-body.js';
import type { LitellmRow } from '../litellm-database.js';
import { IMPORTER } from '../restore-row.js';
import { RowRestorer } from '../row-restorer.js';
import { type ImportContext, selectAll, type TableImporter } from './table-importer.js';
import { TagRepository } from '../../parties/repositories/tag.repository.js';

@Injectable()
export class TagImporter implements TableImporter {
  readonly table = 'LiteLLM_TagTable';

  constructor(
    private readonly tags: TagsService,
    private readonly restorer: RowRestorer,
    private readonly rows: TagRepository,
  ) {}

  query(): string {
    return selectAll(this.table, 'tag_name');
  }

  idOf({ tag_name }: LitellmRow): string {
    return tag_name as string;
  }

  async import(tx: EntityManager, row: LitellmRow, { warnings }: ImportContext) {
    const { tag_name: name, ...fields } = row;
    if (await this.rows.in(tx).existsBy({ name: name as string })) return 'exists';
    const tag = await this.tags.make(tx, await bodyOf(TagDto, { ...fields, name }, warnings), IMPORTER);
    await this.restorer.restoreParty(tx, this.rows, tag, row, warnings);
    return [cacheKey.tag(tag.name)];
  }
}
