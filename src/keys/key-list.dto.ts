import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { UserRow } from '../parties/user-row.dto.js';
import { KeyRow } from './keys.dto.js';

/** A key in a list. */
export class ListedKey extends KeyRow {
  /** With `expand=user`. */
  user?: UserRow | null;

  /** With `status=deleted`. */
  deleted_at?: string;

  /** With `status=deleted`. */
  deleted_by?: string;
}

@ApiExtraModels(ListedKey)
export class KeyList {
  /** Hashes, or whole keys with `return_full_object`. */
  @ApiProperty({
    type: 'array',
    items: { oneOf: [{ type: 'string' }, { $ref: getSchemaPath(ListedKey) }] },
  })
  keys: (string | ListedKey)[];
  total_count: number;
  current_page: number;
  total_pages: number;
}
