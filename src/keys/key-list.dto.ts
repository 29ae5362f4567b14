import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { CurrentPageInfo } from '../http/page-info.dto.js';
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
export class KeyList extends CurrentPageInfo {
  /** Hashes, or whole keys with `return_full_object`. */
  @ApiProperty({
    type: 'array',
    items: { oneOf: [{ type: 'string' }, { $ref: getSchemaPath(ListedKey) }] },
  })
  keys: (string | ListedKey)[];
}
