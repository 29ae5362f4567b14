import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { Tag } from '../entities/tag.entity.js';
import { PartyRepository } from './party.repository.js';
import { PartyRepositoryContext } from './party-repository-context.js';

/** Tags with a row, live and deleted. */
@Injectable()
export class TagRepository extends PartyRepository<Tag> {
  constructor(@InjectRepository(Tag) rows: Repository<Tag>, context: PartyRepositoryContext) {
    super(
      {
        entity: Tag,
        kind: 'tag',
        where: (name) => ({ name }),
        idOf: ({ name }) => name,
        cacheKey: cacheKey.tag,
        title: 'Tag',
        param: 'name',
      },
      rows,
      context,
    );
  }
}
