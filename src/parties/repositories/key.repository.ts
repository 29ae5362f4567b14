import { ConflictException, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, IsNull, Repository } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { VirtualKey } from '../entities/virtual-key.entity.js';
import { PartyRepository } from './party.repository.js';
import { PartyRepositoryContext } from './party-repository-context.js';

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

  /** Returns the live key with a secret of this hash, also where it is the former one. */
  async withSecret(manager: EntityManager, hash: string): Promise<VirtualKey | null> {
    const keys = await this.in(manager).findBy([
      { secretHash: hash, deletedAt: IsNull() },
      { formerSecretHash: hash, deletedAt: IsNull() },
    ]);
    return keys.find(({ secretHash: current }) => current === hash) ?? keys[0] ?? null;
  }
}

/** Returns the refusal of an alias that another live key has. */
export const aliasTaken = (alias: string) =>
  new ConflictException({ message: `Key with alias '${alias}' already exists`, param: 'key_alias' });
