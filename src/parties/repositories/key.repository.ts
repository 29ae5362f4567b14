import { ConflictException, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { VirtualKey } from '../entities/virtual-key.entity.js';
import { PartyRepository, PartyRepositoryContext } from './party.repository.js';

/** Virtual keys, live and deleted. The id of a key is the hash of its secret. */
@Injectable()
export class KeyRepository extends PartyRepository<VirtualKey> {
  constructor(@InjectRepository(VirtualKey) rows: Repository<VirtualKey>, context: PartyRepositoryContext) {
    super(
      {
        entity: VirtualKey,
        kind: 'key',
        where: (hash) => ({ secretHash: hash }),
        idOf: ({ secretHash: hash }) => hash,
        cacheKey: cacheKey.key,
        title: 'Key',
        param: 'key',
        unique: [
          { property: 'keyAlias', index: 'live_key_alias', refusal: ({ keyAlias }) => aliasTaken(keyAlias!) },
        ],
      },
      rows,
      context,
    );
  }
}

/** Returns the refusal of an alias that another live key has. */
export const aliasTaken = (alias: string) =>
  new ConflictException({ message: `Key with alias '${alias}' already exists`, param: 'key_alias' });
